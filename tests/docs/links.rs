//! Links inside the repository.

use crate::{documents, root};

#[test]
fn links_name_files_and_headings_that_exist() {
    let documents = documents();
    let mut broken = Vec::new();
    for document in &documents {
        let folder = root().join(&document.path).parent().unwrap().to_path_buf();
        for (place, target) in document.links() {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').map_or((target.as_str(), None), |(file, it)| (file, Some(it)));
            let path = if file.is_empty() { root().join(&document.path) } else { folder.join(file) };
            let Ok(path) = path.canonicalize() else {
                broken.push(format!("{place}: there is no file {target}"));
                continue;
            };
            let linked = documents.iter().find(|other| root().join(&other.path) == path);
            let has = |anchor: &str| linked.is_some_and(|other| other.anchors().iter().any(|it| it == anchor));
            if anchor.is_some_and(|anchor| !has(anchor)) {
                broken.push(format!("{place}: there is no heading {target}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

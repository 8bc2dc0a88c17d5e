use super::*;

/// The marks as short texts.
fn shown(drawing: &Drawing) -> Vec<String> {
    let shown = |mark: &Mark| match mark {
        Mark::Line { class, x, y } => format!("line {class} {},{} {},{}", x[0], y[0], x[1], y[1]),
        Mark::Text { class, x, y, text, is_rtl } => {
            format!("text [{class}] {x},{y} {text}{}", if *is_rtl { " rtl" } else { "" })
        }
        Mark::Polyline { class, points } => format!("polyline [{class}] {points}"),
        Mark::Polygon { class, points } => format!("polygon [{class}] {points}"),
        Mark::Bar { class, x, y, width, height, radius } => {
            format!("rect [{class}] {x},{y} {width}x{height} r{radius}")
        }
        Mark::Point { class, x, y } => format!("point [{class}] {x},{y}"),
    };
    drawing.marks.iter().map(shown).collect()
}

fn labels(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("t{n}")).collect()
}

/// The number of marks of the grid, which every plot begins with.
const GRID: usize = 10;

#[test]
fn an_axis_has_five_lines_with_labels() {
    let drawing = Plot::new(100.0, 2, |value| format!("{value}%")).drawing();
    let expected = [
        "line axis 48.0,160.0 432.0,160.0",
        "text [end] 42.0,164.0 0%",
        "line grid 48.0,123.0 432.0,123.0",
        "text [end] 42.0,127.0 25%",
        "line grid 48.0,86.0 432.0,86.0",
        "text [end] 42.0,90.0 50%",
        "line grid 48.0,49.0 432.0,49.0",
        "text [end] 42.0,53.0 75%",
        "line grid 48.0,12.0 432.0,12.0",
        "text [end] 42.0,16.0 100%",
    ];
    assert_eq!(shown(&drawing), expected);
    assert_eq!(drawing.height, 190);
}

#[test]
fn lines_have_gaps_and_single_values_are_points() {
    let values = [Some(0.0), Some(1.0), None, Some(0.5), None];
    let plot = Plot::new(1.0, 5, |_| String::new()).area("c1", &values).line("line", "c1", &values);
    let drawing = plot.level("before", Some(0.25)).level("before", None).name("p50", -7.0, &values).drawing();
    let expected = [
        "polygon [area c1] 48.0,160.0 48.0,160.0 144.0,12.0 144.0,160.0",
        "polyline [line c1] 48.0,160.0 144.0,12.0",
        "point [point c1] 336.0,86.0",
        "line before 48.0,123.0 432.0,123.0",
        "text [end strong] 336.0,79.0 p50",
    ];
    assert_eq!(shown(&drawing)[GRID..], expected);
}

#[test]
fn at_most_five_moments_are_named() {
    let drawing = Plot::new(1.0, 25, |_| String::new()).moments(&labels(25)).drawing();
    let expected = [
        "text [] 48.0,178.0 t0",
        "text [mid] 144.0,178.0 t6",
        "text [mid] 240.0,178.0 t12",
        "text [mid] 336.0,178.0 t18",
        "text [end] 432.0,178.0 t24",
    ];
    assert_eq!(shown(&drawing)[GRID..], expected);
    let drawing = Plot::new(1.0, 2, |_| String::new()).moments(&labels(2)).slots(&labels(2)).drawing();
    let expected = [
        "text [] 48.0,178.0 t0",
        "text [end] 432.0,178.0 t1",
        "text [mid] 144.0,178.0 t0",
        "text [mid] 336.0,178.0 t1",
    ];
    assert_eq!(shown(&drawing)[GRID..], expected);
    let drawing = Plot::new(1.0, 8, |_| String::new()).slots(&labels(8)).drawing();
    assert_eq!(shown(&drawing)[GRID], "text [] 48.0,178.0 t0");
    assert_eq!(shown(&drawing)[GRID + 1], "text [mid] 120.0,178.0 t1");
    assert_eq!(shown(&drawing)[GRID + 4], "text [end] 432.0,178.0 t7");
}

#[test]
fn the_parts_of_a_bar_stand_one_above_the_other() {
    let stacks = [vec![4.0, 0.0, 2.0], vec![0.0; 3]];
    let drawing = Plot::new(8.0, 2, |_| String::new()).stacks(&["c1", "c2", "c4"], &stacks).drawing();
    let expected = ["rect [bar c1] 130.0,86.0 28.0x74.0 r0.0", "rect [bar c4] 130.0,49.0 28.0x37.0 r0.0"];
    assert_eq!(shown(&drawing)[GRID..], expected);
}

#[test]
fn rows_have_a_name_values_a_bar_and_a_limit() {
    let row = |name: &str, share, limit| Row {
        name: name.to_owned(),
        note: "20 ms".to_owned(),
        value: "50%".to_owned(),
        share,
        colour: "c1",
        limit,
    };
    let drawing =
        rows(&[row("one", Some(0.5), Some(0.8)), Row { note: String::new(), ..row("two", None, None) }], false);
    let expected = [
        "text [strong] 0.0,23.0 one",
        "text [end] 380.0,23.0 20 ms",
        "text [end strong] 440.0,23.0 50%",
        "rect [track] 0.0,29.0 440.0x9.0 r4.5",
        "rect [bar c1] 0.0,29.0 220.0x9.0 r4.5",
        "line limit 352.0,26.0 352.0,41.0",
        "text [strong] 0.0,65.0 two",
        "text [end strong] 440.0,65.0 50%",
    ];
    assert_eq!(shown(&drawing), expected);
    assert_eq!(drawing.height, 106);
    let many = rows(&vec![row("one", Some(2.0), None); 6], true);
    assert_eq!(many.height, 274);
    assert_eq!(shown(&many)[1..3], ["text [] 380.0,23.0 20 ms rtl", "text [strong] 440.0,23.0 50% rtl"]);
    assert_eq!(shown(&many)[4], "rect [bar c1] 0.0,29.0 440.0x9.0 r4.5", "a bar is never longer than its track");
}

#[test]
fn the_top_of_an_axis_is_four_round_steps() {
    for (most, top) in
        [(0.0, 4.0), (4.0, 4.0), (5.0, 8.0), (9.0, 12.0), (13.0, 20.0), (21.0, 40.0), (99.0, 120.0), (700.0, 800.0)]
    {
        assert_eq!(top_for(most), top, "{most}");
    }
}

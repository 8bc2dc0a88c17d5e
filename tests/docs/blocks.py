"""The fenced blocks of a Markdown document."""

import pathlib
import re
import sys


def blocks(path):
    """Yield the section, the language and the text of each block."""
    section, language, lines = "", None, []
    for line in pathlib.Path(path).read_text().splitlines():
        if language is None and line.startswith("```"):
            language, lines = line[3:], []
        elif line.startswith("```"):
            yield section, language, "".join(line + "\n" for line in lines)
            language = None
        elif language is None and re.match("#+ ", line):
            section = line.lstrip("# ")
        elif language is not None:
            lines.append(line)


def first(path, section, language):
    """The first block of a language in a section."""
    return next(text for found, kind, text in blocks(path) if (found, kind) == (section, language))


# The names of files that other programs accept.
NAMES = {"sh": "sh", "python": "py", "js": "mjs", "php": "php", "go": "go"}

if __name__ == "__main__":
    folder = pathlib.Path(sys.argv[1])
    for document in sys.argv[2:]:
        for number, (_, language, text) in enumerate(blocks(document)):
            if language in NAMES:
                name = f"{pathlib.Path(document).stem}-{number}.{NAMES[language]}"
                (folder / name).write_text(text)

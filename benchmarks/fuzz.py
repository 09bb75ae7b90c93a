"""Fuzz the readers of campaign files, guided by coverage: `python -m benchmarks.fuzz TARGET [LIBFUZZER OPTION…]`.

Needs atheris (`pip install atheris`), which is not among the development tools: it takes minutes and a processor.
Without a target, the targets are listed. An input that breaks something is written to `crash-…` in this folder.

    python -m benchmarks.fuzz campaign.yaml -max_total_time=600
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
with atheris.instrument_imports(include=["turkform", "mistreatment"]):
    from mistreatment import TARGETS, WORDS, mistreat, prepare


def main() -> None:
    """Fuzz one target until an option of libFuzzer ends it."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit("\n".join(TARGETS))
    name = sys.argv[1]
    folder = Path(tempfile.mkdtemp(prefix="fuzz-"))
    home, corpus, words = prepare(folder), folder / "corpus", folder / "words"
    corpus.mkdir()
    for number, seed in enumerate(TARGETS[name].seeds):
        (corpus / str(number)).write_bytes(seed)
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in WORDS))
    options = [f"-dict={words}", "-timeout=20", "-max_len=8192", "-print_final_stats=1", *sys.argv[2:], str(corpus)]
    atheris.Setup([sys.argv[0], *options], lambda data: mistreat(home, name, data))
    atheris.Fuzz()


def _escaped(word: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in word)


if __name__ == "__main__":
    main()

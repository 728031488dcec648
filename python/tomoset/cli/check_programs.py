"""Findings for programs: JSON, SARIF 2.1.0, and the annotations of GitHub."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tomoset.checking.baseline import fingerprint
from tomoset.checking.lines import lines_of
from tomoset.checking.registry import all_codes
from tomoset.exceptions import printable
from tomoset.sets.findings import Finding

#: What SARIF and GitHub call the severities.
LEVELS = {"fatal": "error", "silent": "error", "warning": "warning", "note": "note"}
ANNOTATIONS = {"fatal": "error", "silent": "error", "warning": "warning", "note": "notice"}


def program_lines(found: Sequence[Finding], form: str) -> Iterator[str]:
    """Yield findings in a format; paths are relative to the working directory where they lie below it."""
    base = Path.cwd()
    if form == "json":
        yield json_text(found)
    elif form == "sarif":
        yield sarif_text(found, lines_of(found), base)
    else:
        yield from github_lines(found, lines_of(found), base)


def json_text(findings: Sequence[Finding]) -> str:
    """Give findings as a JSON list, each with what a `Finding` has; bytes of paths that are not UTF-8 as surrogates."""
    names = [field.name for field in fields(Finding) if field.name != "code"]
    rows = [
        {"id": each.id, "code": each.code} | {name: getattr(each, name) for name in names}
        for each in findings
    ]
    return json.dumps(rows, indent=1)


def sarif_text(findings: Sequence[Finding], lines: Mapping[tuple[str, int], bytes], base: Path) -> str:
    """Give findings as a SARIF log of one run; paths are relative to `base` where they lie below it."""
    from tomoset import __version__

    codes = all_codes()
    places = {code.id: at for at, code in enumerate(codes)}
    driver = {
        "name": "tomoset",
        "version": __version__,
        "semanticVersion": __version__,
        "rules": [_rule(code) for code in codes],
    }
    run = {
        "tool": {"driver": driver},
        # Columns of tables are bytes; these are what people count.
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {
            "ROOT": {"uri": f"file://{quote(os.fsencode(base))}/".replace("file:////", "file:///")}
        },
        "results": [_result(each, places, lines, base) for each in findings],
    }
    log = {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    }
    return json.dumps(log, indent=1)


def _rule(code: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "id": code.id,
        "name": code.name,
        "shortDescription": {"text": code.about},
        "fullDescription": {"text": f"{code.about}; RELION {code.relion}"},
        "help": {"text": f"RELION {code.relion}. To mend it: {code.mend}."},
        "defaultConfiguration": {"level": LEVELS[code.severity]},
        "properties": {"severity": code.severity},
    }


def _result(
    finding: Finding, places: Mapping[str, int], lines: Mapping[tuple[str, int], bytes], base: Path
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": finding.id,
        "ruleIndex": places[finding.id],
        "level": LEVELS[finding.severity],
        "message": {"text": printable(f"{finding.found}; RELION {finding.relion}; {finding.mend}", 10_000)},
        "partialFingerprints": {"tomoset/v1": fingerprint(finding, base)},
        "occurrenceCount": finding.count,
        "properties": {"severity": finding.severity},
    }
    if finding.tomogram is not None:
        found["properties"]["tomogram"] = printable(finding.tomogram, 1000)
    if finding.path is not None:
        place: dict[str, Any] = {"artifactLocation": _artifact(finding.path, base)}
        if finding.line is not None:
            place["region"] = {"startLine": finding.line, "startColumn": _letters(finding, lines)}
        found["locations"] = [{"physicalLocation": place}]
    return found


def _artifact(path: str, base: Path) -> dict[str, str]:
    relative = os.path.relpath(os.path.abspath(path), base)  # noqa: PTH100
    if relative.startswith(".."):
        return {"uri": f"file://{quote(os.fsencode(os.path.abspath(path)))}"}  # noqa: PTH100
    return {"uri": quote(os.fsencode(relative)), "uriBaseId": "ROOT"}


def _letters(finding: Finding, lines: Mapping[tuple[str, int], bytes]) -> int:
    """Give the column in characters; findings have it in bytes."""
    column = finding.column or 1
    line = lines.get((finding.path or "", finding.line or 0))
    return column if line is None else len(line[: column - 1].decode("utf-8", "replace")) + 1


def github_lines(
    findings: Sequence[Finding], lines: Mapping[tuple[str, int], bytes], base: Path
) -> Iterator[str]:
    """Give findings as commands of GitHub's workflows, which show them beside the lines."""
    for each in findings:
        facts = {}
        if each.path is not None:
            facts["file"] = os.path.relpath(os.path.abspath(each.path), base)  # noqa: PTH100
            if each.line is not None:
                facts |= {"line": str(each.line), "col": str(_letters(each, lines))}
        facts["title"] = f"{each.id} {each.code}"
        words = ",".join(f"{name}={_property(value)}" for name, value in facts.items())
        text = f"{each.found}; RELION {each.relion}; {each.mend}"
        yield f"::{ANNOTATIONS[each.severity]} {words}::{_data(printable(text, 10_000))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    plain = "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode() for letter in text
    )
    return _data(plain).replace(":", "%3A").replace(",", "%2C")

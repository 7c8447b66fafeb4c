"""File and environment -> settings, or one report of everything that is wrong with them."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from appliance.settings.document import Document, document_at
from appliance.settings.report import LAST, Problem, reason, report
from appliance.settings.tree import CONTRADICTION, Settings
from appliance.settings.variables import NAMED_BY, Variables, variables_in

DEFAULT_PATH: Final = Path("/etc/otp-appliance/config.yaml")


def load(path: Path | None, environ: Mapping[str, str], *, default: Path = DEFAULT_PATH) -> Settings:
    """Return the settings of the file at `path`, or the one `$APPLIANCE_CONFIG` names, or `default`.

    `default` may be missing, a named file may not. An empty variable counts as not set, and `null` in one as null.
    Relative paths in the file count from the file's folder, those in variables from the working directory.
    Blocks for one small read. Raises ConfigurationInvalid, which lists every problem, and nothing else.
    """
    if path is None and environ.get(NAMED_BY):
        path = Path(environ[NAMED_BY])
    document = document_at(path or default, required=path is not None)
    variables = variables_in(environ)
    problems = [*document.problems, *variables.problems]
    values = _merged(document.values, variables.values)
    settings, errors = _judged(values)
    wrong = {_key(error) for error in errors if error["type"] != CONTRADICTION}
    if wrong:
        # Contradictions are looked for once all values are right, and all problems are to be told at once.
        errors += _judged(_without(values, wrong))[1]
    doubts = wrong | document.doubts | variables.doubts
    problems += [
        Problem(document.lines.get(key, LAST), _labelled(key, document, variables, reason(error)))
        for error in errors
        for key in [_key(error)]
        if error["type"] != CONTRADICTION or _certain(error, document, doubts)
    ]
    if problems or settings is None:
        raise report(document.name, problems, document.hint)
    return settings


def _judged(values: dict[str, Any]) -> tuple[Settings | None, list[ErrorDetails]]:
    try:
        return Settings(**values), []
    except ValidationError as trouble:
        return None, trouble.errors(include_url=False)


def _certain(error: ErrorDetails, document: Document, doubts: Iterable[str]) -> bool:
    """Tell whether a contradiction depends on nothing that is wrong, or missing by mistake."""
    # A file that could not be read contradicts nothing: the missing half may well stand in it.
    return document.usable and not any(
        f"{need}.".startswith(f"{doubt}.") for need in error["ctx"]["needs"] for doubt in doubts
    )


def _merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    return under | {
        key: _merged(under.get(key, {}), value) if isinstance(value, dict) else value
        for key, value in over.items()
    }


def _without(values: dict[str, Any], keys: Iterable[str], at: str = "") -> dict[str, Any]:
    return {
        key: _without(value, keys, f"{at}{key}.") if isinstance(value, dict) else value
        for key, value in values.items()
        if at + key not in keys
    }


def _key(error: ErrorDetails) -> str:
    return ".".join(map(str, error["loc"]))


def _labelled(key: str, document: Document, variables: Variables, words: str) -> str:
    if key in variables.names:
        return f"{variables.names[key]}: {words}"
    line = document.lines.get(key)
    return f"{key} (line {line}): {words}" if line else f"{key}: {words}"

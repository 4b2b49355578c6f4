"""The description of a model file, as people write it: JSON with the fields of `Description`."""

from pathlib import Path

from pydantic import ValidationError

from nightjar.core.errors.settings import BadSettings
from nightjar.core.model.description import Description


def read_description(file: Path) -> Description:
    """Raises BadSettings, which names the field that is wrong."""
    try:
        content = file.read_text()
        if "\\u0000" in content:  # JSON can hold it, and Postgres cannot
            raise BadSettings(f"{file}: it holds the character \\u0000", "Remove it.")
        return Description.model_validate_json(content)
    except (OSError, UnicodeDecodeError) as error:
        raise BadSettings(f"{file} cannot be read: {error}", "Name a file of JSON.") from error
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        field = ".".join(map(str, problem["loc"]))
        known = f"Its fields are {', '.join(Description.model_fields)}."
        raise BadSettings(f"{file}: {field}{': ' * bool(field)}{problem['msg']}", known) from error

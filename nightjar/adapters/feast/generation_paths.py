"""Where the files of a generation of a feature table lie."""


def inside(uri: str, table: str, generation: str) -> str:
    """Where a generation's files lie, by where those of the table or of another of its generations do.

    uri: a path in which the table's folder occurs, like `carrier` or `/data/features/carrier/*/*.parquet`.
    Another path is given back as it is.
    """
    parts = uri.split("/")
    if table not in parts:
        return uri
    end = len(parts) - parts[::-1].index(table)
    below = [part for part in parts[end:] if not part.startswith("_")]
    return "/".join([*parts[:end], *filter(None, [generation]), *below])

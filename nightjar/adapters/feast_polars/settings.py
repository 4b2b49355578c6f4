"""The settings of the store, without Feast."""

from pydantic import BaseModel, ConfigDict, StrictBool, StrictInt, StrictStr

STORE = "nightjar.adapters.feast_polars.PolarsOfflineStore"
"""The type by which feature_store.yaml names the store."""


class StoreSettings(BaseModel):
    """What may be set under `offline_store` in feature_store.yaml.

    as_known_at: a row recorded (`created_timestamp_column`) after the entity timestamp is not used for it.
    Feast's own stores use it.
    known_at: a column of entity frames. If a frame has it, it gives for each row the time up to which records
    count, in place of the entity timestamp. null: there is no such column.
    corrections_only: a row with such a time sees corrections of events that were recorded by its entity
    timestamp, and no new events.
    cache_mb: how much memory keeps the data of a retrieval at one instant for later ones at that instant,
    such as the parts of a night. The data cover all keys of the source, so set it only if the entities ask
    for most of them. 0: nothing is kept.
    root: the folder against which relative paths of sources are resolved. It is itself resolved against the
    repo, and is the repo if not set. So a registry need not know where the files are on each machine.
    """

    model_config = ConfigDict(extra="forbid")

    type: StrictStr = STORE
    as_known_at: StrictBool = True
    known_at: StrictStr | None = "known_at"
    corrections_only: StrictBool = False
    cache_mb: StrictInt = 0
    root: StrictStr | None = None

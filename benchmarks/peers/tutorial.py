"""As tutorials do it: `get_historical_features`, CatBoost and `to_sql`."""

from feast_duckdb import main
from inputs import inserted

if __name__ == "__main__":
    main(inserted)

"""Write `sql/postgres/catalog.txt` anew, after a migration was added: `make catalog`."""

from __future__ import annotations

from pathlib import Path

import selene_os.ledger
from postgres_databases import PostgresDatabase
from selene_os.ledger.postgres import catalog
from selene_os.ledger.postgres.connection import connect
from servers import SUPERUSER


def main() -> None:
    """Make a ledger on the newest server there is, and write down what its catalog says."""
    database = PostgresDatabase.fresh("postgres")
    try:
        with connect(database.url(SUPERUSER)) as connection:
            told = catalog.render(catalog.there(connection))
    finally:
        database.drop()
    folder = Path(selene_os.ledger.__path__[0])
    (folder / "sql" / "postgres" / "catalog.txt").write_text(told, encoding="utf-8")


if __name__ == "__main__":
    main()

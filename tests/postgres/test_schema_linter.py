"""The schema stays fit to be sharded and safe to be shared: rules over the catalog, each proven."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import pytest

import servers
from postgres.catalog_rules import RULES
from postgres_databases import PostgresDatabase

# Rule -> a way to break it, and what it then names. Roles are the server's: broken and rolled back.
BREACHES: Final[dict[str, list[tuple[str, str]]]] = {
    "a table without tenant_id NOT NULL": [
        ("CREATE TABLE os_core.stray (x int)", "stray"),
        ("ALTER TABLE os_core.unsealed_events DROP CONSTRAINT unsealed_events_pkey,"
         " ALTER tenant_id DROP NOT NULL", "unsealed_events"),
    ],
    "a unique index that tenant_id does not lead": [
        ("CREATE UNIQUE INDEX odd ON os_core.audit_events (event_id)", "odd"),
        ("CREATE UNIQUE INDEX odd ON os_core.audit_events (lower(tenant_id))", "odd"),
        ("ALTER TABLE os_core.unsealed_events DROP CONSTRAINT unsealed_events_pkey,"
         " ADD CONSTRAINT odd PRIMARY KEY (event_id, tenant_id)", "odd"),
        ("ALTER TABLE os_core.devices ADD CONSTRAINT odd UNIQUE (device_id)", "odd"),
    ],
    "any index that tenant_id does not lead": [
        ("CREATE INDEX odd ON os_core.audit_events (created_at)", "odd"),
    ],
    "an exclusion constraint": [
        ("ALTER TABLE os_core.devices ADD CONSTRAINT odd EXCLUDE (device_id WITH =)", "odd"),
    ],
    "a foreign key that tenant_id does not lead on both sides": [
        ("ALTER TABLE os_core.devices ADD CONSTRAINT odd FOREIGN KEY (device_id)"
         " REFERENCES os_core.device_bindings (device_id)", "odd"),
        ("ALTER TABLE os_core.devices ADD CONSTRAINT odd FOREIGN KEY (user_id, tenant_id)"
         " REFERENCES os_core.identities (user_id, tenant_id)", "odd"),
    ],
    "a foreign key that does more than refuse, or is not checked": [
        ("ALTER TABLE os_core.unsealed_events ADD CONSTRAINT odd FOREIGN KEY (tenant_id)"
         " REFERENCES os_core.tenants ON DELETE CASCADE", "odd"),
        ("ALTER TABLE os_core.devices ADD CONSTRAINT odd CHECK (user_id <> '') NOT VALID", "odd"),
    ],
    "a sequence": [("CREATE SEQUENCE os_core.counter", "counter")],
    "an identity, or a default that counts": [
        ("ALTER TABLE os_core.devices ADD n bigint GENERATED ALWAYS AS IDENTITY", "devices"),
        ("ALTER TABLE os_core.devices ADD n bigserial", "devices"),
    ],
    "forced row-level security": [
        ("ALTER TABLE os_core.devices FORCE ROW LEVEL SECURITY", "devices"),
    ],
    "a table without row-level security": [
        ("ALTER TABLE os_core.devices DISABLE ROW LEVEL SECURITY", "devices"),
        ("CREATE TABLE os_core.stray (tenant_id text NOT NULL)", "stray"),
    ],
    "a view or a foreign table": [
        ("CREATE VIEW os_core.seen AS TABLE os_core.devices", "seen"),
    ],
    "a policy with a subquery": [
        ("CREATE POLICY odd ON os_core.devices USING"
         " (tenant_id = (SELECT min(tenant_id) FROM os_core.tenants))", "devices.odd"),
    ],
    "a policy that writes, or one that is neither the reader's nor the auditor's": [
        *((f"CREATE POLICY odd ON os_core.devices FOR SELECT USING ({test})", "devices.odd")
          for test in (
              "tenant_id = current_setting('selene.tenant', TRUE)",
              "tenant_id = os_core.reader() OR TRUE",
              "tenant_id = os_core.reader() OR device_id = 'x'",
              "tenant_id >= os_core.reader()",
              "device_id = os_core.reader()",
              "os_core.may_act(tenant_id)",
              "coalesce(tenant_id = os_core.reader(), TRUE)",
          )),
        ("CREATE FUNCTION pg_temp.reader() RETURNS text LANGUAGE sql RETURN 'acme';"
         " SET LOCAL search_path = os_core, pg_temp;"
         " CREATE POLICY odd ON os_core.devices FOR SELECT USING (tenant_id = pg_temp.reader())",
         "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices FOR SELECT TO selene_auditor, selene_tenant"
         " USING (TRUE)", "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices FOR SELECT TO selene_tenant USING (TRUE)",
         "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices FOR SELECT TO selene_auditor"
         " USING (tenant_id <> 'acme')", "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices USING (tenant_id = os_core.reader())",
         "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices FOR SELECT USING (TRUE)", "devices.odd"),
        ("CREATE POLICY odd ON os_core.devices FOR INSERT WITH CHECK (TRUE)", "devices.odd"),
    ],
    "who holds a device or a key, read by more than the auditor": [
        *((f"GRANT SELECT ON os_core.{table} TO {role}", role)
          for table in ("device_bindings", "api_keys") for role in ("selene_app", "selene_tenant")),
        ("GRANT SELECT ON os_core.device_bindings TO PUBLIC", "-"),
    ],
    "an operator's password, read by anybody": [
        *((f"GRANT SELECT ON os_core.operators TO {role}", role)
          for role in ("selene_app", "selene_tenant", "selene_auditor")),
        ("GRANT SELECT ON os_core.operators TO PUBLIC", "-"),
    ],
    "a function that takes an advisory lock, which is anybody's": [
        ("CREATE FUNCTION os_core.odd() RETURNS void LANGUAGE sql AS"
         " 'SELECT pg_advisory_xact_lock(1)'", "odd"),
        ("CREATE FUNCTION os_core.odd() RETURNS void LANGUAGE sql"
         " RETURN pg_advisory_lock_shared(1)", "odd"),
    ],
    "a write granted": [
        *((f"GRANT {write} ON os_core.devices TO {role}", f"devices {write}")
          for role in ("selene_app", "selene_tenant")
          for write in ("INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER")),
        ("GRANT UPDATE (user_id) ON os_core.devices TO selene_app", "devices.user_id"),
        ("GRANT UPDATE (user_id) ON os_core.devices TO selene_tenant", "devices.user_id"),
        ("GRANT SELECT ON os_core.devices TO selene_tenant WITH GRANT OPTION", "devices SELECT"),
        ("GRANT INSERT ON os_core.devices TO selene_auditor", "devices INSERT"),
        ("GRANT SELECT ON os_core.devices TO PUBLIC", "devices PUBLIC"),
        ("GRANT SELECT ON os_core.devices TO selene_app WITH GRANT OPTION", "devices SELECT"),
    ],
    "a function that everybody may call": [
        ("GRANT EXECUTE ON FUNCTION os_core.may_act TO PUBLIC", "may_act"),
        ("CREATE FUNCTION os_core.odd() RETURNS int LANGUAGE sql RETURN 1", "odd"),
    ],
    "a definer's function with too mighty an owner": [
        ("ALTER FUNCTION os_core.trace OWNER TO postgres", "trace"),
        ("ALTER ROLE selene_owner BYPASSRLS", "trace"),
    ],
    "a definer's function without a path that ends in pg_temp": [
        ("ALTER FUNCTION os_core.trace RESET search_path", "trace"),
        ("ALTER FUNCTION os_core.trace SET search_path = pg_temp, pg_catalog", "trace"),
        ("ALTER FUNCTION os_core.trace SET search_path = pg_catalog", "trace"),
        ("ALTER FUNCTION os_core.trace SET search_path = pg_catalog, public, pg_temp", "trace"),
    ],
    "a function whose text is read again on a path that is not fixed": [
        ("ALTER FUNCTION os_core.append_events RESET ALL", "append_events"),
    ],
    "a function in another language": [
        ("CREATE FUNCTION os_core.odd(text) RETURNS int LANGUAGE internal AS 'textlen'", "odd"),
    ],
    "a schema open to more than its owner": [
        ("GRANT CREATE ON SCHEMA os_core TO selene_app", "CREATE"),
        ("GRANT CREATE ON SCHEMA os_core TO selene_tenant", "CREATE"),
        ("GRANT USAGE ON SCHEMA os_core TO PUBLIC", "USAGE"),
    ],
    "something that is not the owner's": [
        ("ALTER TABLE os_core.devices OWNER TO postgres", "devices"),
        ("ALTER SCHEMA os_core OWNER TO postgres", "os_core"),
    ],
    "a role with more than it needs": [
        ("ALTER ROLE selene_app CREATEROLE", "selene_app"),
        ("ALTER ROLE selene_app BYPASSRLS", "selene_app"),
        ("ALTER ROLE selene_owner LOGIN", "selene_owner"),
        ("ALTER ROLE selene_tenant LOGIN", "selene_tenant"),
        ("ALTER ROLE selene_tenant BYPASSRLS", "selene_tenant"),
        ("CREATE ROLE selene_t_odd LOGIN BYPASSRLS", "selene_t_odd"),
        ("CREATE ROLE selene_t_odd LOGIN CREATEROLE", "selene_t_odd"),
    ],
    "a tenant's login that is a member of one that logs in, or of more than the tenants' role": [
        *((f"CREATE ROLE selene_t_odd LOGIN; GRANT {role} TO selene_t_odd", "selene_t_odd")
          for role in ("selene_app", "selene_auditor", "selene_owner", "pg_read_all_data")),
        ("CREATE ROLE odd; GRANT selene_app TO odd; CREATE ROLE selene_t_odd LOGIN;"
         " GRANT odd TO selene_t_odd", "selene_t_odd"),
        ("CREATE ROLE selene_t_odd LOGIN; CREATE ROLE selene_t_even LOGIN;"
         " GRANT selene_t_even TO selene_t_odd", "selene_t_odd"),
        ("GRANT selene_app TO selene_tenant", "selene_tenant"),
        ("CREATE ROLE selene_t_odd LOGIN; GRANT selene_tenant TO selene_t_odd;"
         " ALTER ROLE selene_tenant LOGIN", "selene_t_odd"),
    ],
    "a trigger that can be switched off": [
        ("ALTER TABLE os_core.devices ENABLE TRIGGER devices_no_delete", "devices_no_delete"),
        ("ALTER TABLE os_core.devices DISABLE TRIGGER devices_no_delete", "devices_no_delete"),
        ("ALTER TABLE os_core.audit_events ENABLE REPLICA TRIGGER audit_events_inserted",
         "audit_events_inserted"),
    ],
    "a table without its guard": [
        ("DROP TRIGGER devices_no_delete ON os_core.devices", "devices"),
        ("DROP TRIGGER devices_no_move ON os_core.devices", "devices"),
        ("DROP TRIGGER audit_events_no_change ON os_core.audit_events;"
         " CREATE TRIGGER odd BEFORE UPDATE OR DELETE ON os_core.audit_events"
         " FOR EACH ROW EXECUTE FUNCTION os_core.refuse_change()", "audit_events"),
    ],
    "a rule": [
        ("CREATE RULE odd AS ON UPDATE TO os_core.devices DO INSTEAD NOTHING", "odd"),
    ],
    "text that is not ordered by its bytes": [
        ("ALTER TABLE os_core.devices ADD note text", "devices.note"),
    ],
}  # fmt: skip
WAYS: Final = [(rule, breach, name) for rule, ways in BREACHES.items() for breach, name in ways]


@pytest.fixture(scope="module", params=servers.names())
def migrated(request: pytest.FixtureRequest) -> Iterator[PostgresDatabase]:
    """A database as the migrations leave it, which nobody changes for good."""
    database = PostgresDatabase.fresh(request.param)
    yield database
    database.drop()


@pytest.mark.parametrize("rule", RULES)
def test_the_catalog_keeps_every_rule(migrated: PostgresDatabase, rule: str) -> None:
    (found,) = migrated.raw(RULES[rule])
    assert found.error is None
    assert found.rows == []


@pytest.mark.parametrize(("rule", "breach", "name"), WAYS, ids=[way[1] for way in WAYS])
def test_each_rule_names_what_breaks_it(
    migrated: PostgresDatabase, rule: str, breach: str, name: str
) -> None:
    results = migrated.raw("BEGIN", *breach.split("; "), RULES[rule], "ROLLBACK")
    assert [result.error for result in results] == [None] * len(results)
    assert name in {str(row[0]) for row in results[-2].rows}


def test_every_rule_is_proven() -> None:
    assert BREACHES.keys() == RULES.keys()


def test_the_listed_exceptions_are_there(migrated: PostgresDatabase) -> None:
    """An exception that no longer is one would hide the next."""
    (found,) = migrated.raw(
        "SELECT to_regclass('os_core.schema_migrations') IS NOT NULL"
        " AND to_regclass('os_core.operators') IS NOT NULL,"
        " to_regclass('os_core.device_bindings_pkey') IS NOT NULL"
    )
    assert found.rows == [(True, True)]

-- The oldest entries first, so many at a time: there may be millions, and no statement has more than ten seconds. The
-- function without a limit stays for servers of the release before, which run while this one is rolled out.
CREATE FUNCTION "purge_audit_log"("older_than" timestamptz, "at_most" integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  deleted bigint;
BEGIN
  PERFORM set_config('mortar.audit_purge', 'on', true);
  DELETE FROM "audit_log" WHERE ("organizationId", "id") IN (
    SELECT "organizationId", "id" FROM "audit_log" WHERE "createdAt" < "older_than" ORDER BY "createdAt" LIMIT "at_most");
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('mortar.audit_purge', '', true);
  RETURN deleted;
END $$;

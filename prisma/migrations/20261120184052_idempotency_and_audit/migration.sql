-- CreateTable
CREATE TABLE "idempotency_keys" (
    "apiKeyId" TEXT NOT NULL,
    "route" TEXT NOT NULL,
    "key" TEXT NOT NULL,
    "fingerprint" TEXT NOT NULL,
    "answer" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "idempotency_keys_pkey" PRIMARY KEY ("apiKeyId","route","key")
);

-- CreateTable
CREATE TABLE "audit_log" (
    "organizationId" TEXT NOT NULL,
    "id" BIGSERIAL NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "apiKeyId" TEXT NOT NULL,
    "requestId" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "targetType" TEXT NOT NULL,
    "targetId" TEXT NOT NULL,
    "targetEnvironmentId" TEXT,
    "changedFields" TEXT[] DEFAULT ARRAY[]::TEXT[],
    "before" JSONB,
    "after" JSONB,

    CONSTRAINT "audit_log_pkey" PRIMARY KEY ("organizationId","id")
);

-- CreateIndex
CREATE INDEX "idempotency_keys_createdAt_idx" ON "idempotency_keys"("createdAt");

-- CreateIndex
CREATE INDEX "audit_log_organizationId_targetType_targetId_id_idx" ON "audit_log"("organizationId", "targetType", "targetId", "id");

-- CreateIndex
CREATE INDEX "audit_log_organizationId_targetId_id_idx" ON "audit_log"("organizationId", "targetId", "id");

-- CreateIndex
CREATE INDEX "audit_log_organizationId_apiKeyId_id_idx" ON "audit_log"("organizationId", "apiKeyId", "id");

-- CreateIndex
CREATE INDEX "audit_log_createdAt_idx" ON "audit_log"("createdAt");

-- AddForeignKey
ALTER TABLE "idempotency_keys" ADD CONSTRAINT "idempotency_keys_apiKeyId_fkey" FOREIGN KEY ("apiKeyId") REFERENCES "api_keys"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- The audit log is only added to. What is older than it has to be kept goes through purge_audit_log.
CREATE FUNCTION "refuse_audit_log_change"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF coalesce(current_setting('mortar.audit_purge', true), '') = 'on' AND TG_OP = 'DELETE' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit log is only added to' USING ERRCODE = 'insufficient_privilege';
END $$;

CREATE TRIGGER "audit_log_append_only" BEFORE UPDATE OR DELETE ON "audit_log"
  FOR EACH ROW EXECUTE FUNCTION "refuse_audit_log_change"();
CREATE TRIGGER "audit_log_no_truncate" BEFORE TRUNCATE ON "audit_log"
  FOR EACH STATEMENT EXECUTE FUNCTION "refuse_audit_log_change"();

CREATE FUNCTION "purge_audit_log"("older_than" timestamptz) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  deleted bigint;
BEGIN
  PERFORM set_config('mortar.audit_purge', 'on', true);
  DELETE FROM "audit_log" WHERE "createdAt" < "older_than";
  GET DIAGNOSTICS deleted = ROW_COUNT;
  PERFORM set_config('mortar.audit_purge', '', true);
  RETURN deleted;
END $$;

-- The members of a row that changed; of the JSON columns that hold many fields, those fields. Bookkeeping is left out.
CREATE FUNCTION "audit_changed_fields"("old_row" jsonb, "new_row" jsonb) RETURNS text[] LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(array_agg(changed.name ORDER BY changed.name), '{}') FROM (
    SELECT field.key AS name FROM jsonb_each("new_row") field
    WHERE field.value IS DISTINCT FROM "old_row" -> field.key
      AND field.key <> ALL (ARRAY['attributes', 'data', 'document', 'createdAt', 'updatedAt', 'lastSeenAt', 'lastUsedAt', 'lastDeliveredAt',
        'attributeTimes', 'requestKey', 'requestHash', 'changeHash', 'dueAt', 'failingSince', 'consecutiveFailures', 'refusal'])
    UNION ALL
    SELECT nested.prefix || member.key
    FROM (VALUES ('attributes', 'attributes.'), ('data', 'data.'), ('document', '')) AS nested(name, prefix),
      LATERAL jsonb_object_keys(
        CASE jsonb_typeof("old_row" -> nested.name) WHEN 'object' THEN "old_row" -> nested.name ELSE '{}' END ||
        CASE jsonb_typeof("new_row" -> nested.name) WHEN 'object' THEN "new_row" -> nested.name ELSE '{}' END) AS member(key)
    WHERE "new_row" -> nested.name -> member.key IS DISTINCT FROM "old_row" -> nested.name -> member.key
  ) AS changed
$$;

-- Notes a write of whom `mortar.actor` names in the writing transaction. Arguments: the type of the target; the columns
-- of its id; the columns whose values are kept: ids and permissions, never what a person said or is; and, for a row that
-- is only a part of its target, what that part is called.
CREATE FUNCTION "audit_write"() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  actor CONSTANT jsonb := current_setting('mortar.actor')::jsonb;
  part CONSTANT text := TG_ARGV[3];
  old_row jsonb;
  new_row jsonb;
  any_row jsonb;
  target text;
  act text := CASE TG_OP WHEN 'INSERT' THEN 'created' WHEN 'UPDATE' THEN 'updated' ELSE 'deleted' END;
  changed text[] := '{}';
BEGIN
  IF TG_OP <> 'INSERT' THEN old_row := to_jsonb(OLD); END IF;
  IF TG_OP <> 'DELETE' THEN new_row := to_jsonb(NEW); END IF;
  any_row := coalesce(new_row, old_row);
  SELECT string_agg(any_row ->> name, '-' ORDER BY position) INTO target
  FROM unnest(string_to_array(TG_ARGV[1], ',')) WITH ORDINALITY AS ids(name, position);
  IF TG_OP = 'UPDATE' THEN
    changed := audit_changed_fields(old_row, new_row);
    IF changed = '{}' AND (part IS NOT NULL OR old_row -> 'updatedAt' IS NOT DISTINCT FROM new_row -> 'updatedAt') THEN
      RETURN NULL;
    END IF;
  END IF;
  IF part IS NOT NULL THEN
    -- What a target is made with is told by the entry of its making.
    IF EXISTS (SELECT FROM audit_log WHERE "organizationId" = actor ->> 'organizationId' AND "targetType" = TG_ARGV[0]
        AND "targetId" = target AND "requestId" = actor ->> 'requestId' AND action = 'created') THEN
      RETURN NULL;
    END IF;
    act := 'updated';
    changed := ARRAY[part];
  END IF;
  INSERT INTO audit_log ("organizationId", "apiKeyId", "requestId", operation, action, "targetType", "targetId",
    "targetEnvironmentId", "changedFields", before, after)
  SELECT actor ->> 'organizationId', actor ->> 'apiKeyId', actor ->> 'requestId', actor ->> 'operation', act, TG_ARGV[0], target,
    any_row ->> 'environmentId', changed,
    (SELECT jsonb_object_agg(name, old_row -> name) FROM unnest(kept.names) AS name WHERE old_row ? name),
    (SELECT jsonb_object_agg(name, new_row -> name) FROM unnest(kept.names) AS name WHERE new_row ? name)
  FROM (SELECT string_to_array(TG_ARGV[1] || coalesce(',' || nullif(TG_ARGV[2], ''), ''), ',') AS names) AS kept;
  RETURN NULL;
END $$;

-- Only direct writes of an API key: what a foreign key's cascade takes along is told by the entry of what was deleted.
DO $$
DECLARE
  audited record;
BEGIN
  FOR audited IN SELECT * FROM (VALUES
    ('users', 'user', 'id', '', NULL),
    ('memberships', 'user', 'userId', 'organizationId,role', 'role'),
    ('team_members', 'user', 'userId', 'teamId', 'teams'),
    ('teams', 'team', 'id', '', NULL),
    ('project_teams', 'projectTeam', 'projectId,teamId', 'permission', NULL),
    ('projects', 'project', 'id', '', NULL),
    ('environments', 'environment', 'id', 'projectId,type', NULL),
    ('api_keys', 'apiKey', 'id', 'createdBy,permissions,organizationAccess', NULL),
    ('contact_attribute_keys', 'contactAttributeKey', 'id', '', NULL),
    ('contacts', 'contact', 'id', 'companyId', NULL),
    ('companies', 'company', 'id', '', NULL),
    ('segments', 'segment', 'id', '', NULL),
    ('action_classes', 'actionClass', 'id', '', NULL),
    ('languages', 'language', 'id', '', NULL),
    ('surveys', 'survey', 'id', 'segmentId', NULL),
    ('survey_triggers', 'survey', 'surveyId', 'actionClassId', 'triggers'),
    ('survey_languages', 'survey', 'surveyId', 'languageId', 'languages'),
    ('survey_follow_ups', 'survey', 'surveyId', 'id', 'followUps'),
    ('responses', 'response', 'id', 'surveyId,contactId,displayId', NULL),
    ('webhooks', 'webhook', 'id', 'surveyIds', NULL),
    ('jobs', 'job', 'id', 'type', NULL),
    ('erasures', 'erasure', 'id', 'mode,status', NULL)
  ) AS list("table", target, ids, kept, part) LOOP
    EXECUTE format(
      'CREATE TRIGGER "audit" AFTER INSERT OR UPDATE OR DELETE ON %I FOR EACH ROW
         WHEN (pg_trigger_depth() = 0 AND coalesce(current_setting(''mortar.actor'', true), '''') <> '''')
         EXECUTE FUNCTION audit_write(%s)',
      audited."table",
      concat_ws(', ', quote_literal(audited.target), quote_literal(audited.ids), quote_literal(audited.kept),
        quote_literal(audited.part)));
  END LOOP;
END $$;

-- CreateIndex
CREATE INDEX "languages_id_idx" ON "languages"("id");

-- CreateIndex
CREATE INDEX "survey_quotas_id_idx" ON "survey_quotas"("id");

-- CreateIndex
CREATE INDEX "tags_id_idx" ON "tags"("id");

-- Tags and quotas can be written by API keys from here on, and are noted like all else: see audit_write.
DO $$
DECLARE
  audited record;
BEGIN
  FOR audited IN SELECT * FROM (VALUES
    ('tags', 'tag', 'id', '', NULL),
    ('response_tags', 'response', 'responseId', 'tagId', 'tags'),
    ('survey_quotas', 'quota', 'id', 'surveyId', NULL)
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

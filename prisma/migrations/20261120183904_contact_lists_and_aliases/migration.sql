-- DropIndex
DROP INDEX "contacts_environmentId_companyId_idx";

-- DropIndex
DROP INDEX "events_environmentId_occurredAt_idx";

-- DropIndex
DROP INDEX "responses_environmentId_createdAt_idx";

-- DropIndex
DROP INDEX "responses_environmentId_surveyId_createdAt_idx";

-- CreateTable
CREATE TABLE "contact_aliases" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "contactId" TEXT NOT NULL,
    "userId" TEXT,
    "visitorId" UUID NOT NULL,

    CONSTRAINT "contact_aliases_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateIndex
CREATE INDEX "contact_aliases_environmentId_contactId_idx" ON "contact_aliases"("environmentId", "contactId");

-- CreateIndex
CREATE INDEX "contact_aliases_id_idx" ON "contact_aliases"("id");

-- CreateIndex
CREATE UNIQUE INDEX "contact_aliases_environmentId_userId_key" ON "contact_aliases"("environmentId", "userId");

-- CreateIndex
CREATE UNIQUE INDEX "contact_aliases_environmentId_visitorId_key" ON "contact_aliases"("environmentId", "visitorId");

-- CreateIndex
CREATE INDEX "companies_environmentId_createdAt_id_idx" ON "companies"("environmentId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "companies_id_idx" ON "companies"("id");

-- CreateIndex
CREATE INDEX "contacts_environmentId_companyId_createdAt_id_idx" ON "contacts"("environmentId", "companyId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "events_environmentId_occurredAt_id_idx" ON "events"("environmentId", "occurredAt", "id");

-- CreateIndex
CREATE INDEX "events_environmentId_name_occurredAt_id_idx" ON "events"("environmentId", "name", "occurredAt", "id");

-- CreateIndex
CREATE INDEX "responses_environmentId_surveyId_createdAt_id_idx" ON "responses"("environmentId", "surveyId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "responses_environmentId_createdAt_id_idx" ON "responses"("environmentId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "responses_environmentId_updatedAt_id_idx" ON "responses"("environmentId", "updatedAt", "id");

-- AddForeignKey
ALTER TABLE "contact_aliases" ADD CONSTRAINT "contact_aliases_environmentId_contactId_fkey" FOREIGN KEY ("environmentId", "contactId") REFERENCES "contacts"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- Searches for contacts by how their user id or address begins, whatever the letters' case. Prisma's schema cannot name
-- indexes on expressions; the comparison leaves them alone.
CREATE INDEX "contacts_environmentId_userId_prefix_idx" ON "contacts"("environmentId", lower("userId") text_pattern_ops) WHERE "userId" IS NOT NULL;

CREATE INDEX "contacts_environmentId_email_prefix_idx" ON "contacts"("environmentId", lower("email") text_pattern_ops) WHERE "email" IS NOT NULL;

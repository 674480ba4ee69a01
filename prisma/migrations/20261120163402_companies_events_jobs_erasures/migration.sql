-- CreateEnum
CREATE TYPE "job_status" AS ENUM ('receiving', 'queued', 'processing', 'completed', 'failed');

-- CreateEnum
CREATE TYPE "erasure_mode" AS ENUM ('delete', 'anonymise');

-- CreateEnum
CREATE TYPE "erasure_status" AS ENUM ('pending', 'completed', 'cancelled');

-- AlterTable
ALTER TABLE "contacts" ADD COLUMN     "attributeTimes" JSONB NOT NULL DEFAULT '{}',
ADD COLUMN     "visitorId" UUID NOT NULL DEFAULT gen_random_uuid();

-- CreateTable
CREATE TABLE "companies" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "companyId" TEXT NOT NULL,
    "attributes" JSONB NOT NULL DEFAULT '{}',
    "attributeTimes" JSONB NOT NULL DEFAULT '{}',

    CONSTRAINT "companies_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "events" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "occurredAt" TIMESTAMPTZ(3) NOT NULL,
    "contactId" TEXT NOT NULL,
    "companyId" TEXT,
    "name" TEXT NOT NULL,
    "properties" JSONB NOT NULL DEFAULT '{}',
    "source" TEXT NOT NULL,
    "dedupeKey" TEXT,

    CONSTRAINT "events_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "jobs" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "type" TEXT NOT NULL,
    "status" "job_status" NOT NULL,
    "apiKeyId" TEXT,
    "startedAt" TIMESTAMPTZ(3),
    "finishedAt" TIMESTAMPTZ(3),
    "fileName" TEXT,
    "fileSize" INTEGER NOT NULL DEFAULT 0,
    "totalRows" INTEGER NOT NULL DEFAULT 0,
    "completedRows" INTEGER NOT NULL DEFAULT 0,
    "failedRowCount" INTEGER NOT NULL DEFAULT 0,
    "failedRows" JSONB NOT NULL DEFAULT '[]',
    "failure" TEXT,

    CONSTRAINT "jobs_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "job_chunks" (
    "environmentId" TEXT NOT NULL,
    "jobId" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    "rows" JSONB NOT NULL,

    CONSTRAINT "job_chunks_pkey" PRIMARY KEY ("environmentId","jobId","position")
);

-- CreateTable
CREATE TABLE "erasures" (
    "environmentId" TEXT NOT NULL,
    "id" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "runAt" TIMESTAMPTZ(3) NOT NULL,
    "finishedAt" TIMESTAMPTZ(3),
    "status" "erasure_status" NOT NULL DEFAULT 'pending',
    "mode" "erasure_mode" NOT NULL,
    "suppress" BOOLEAN NOT NULL DEFAULT true,
    "apiKeyId" TEXT,
    "source" TEXT NOT NULL,
    "targets" JSONB,
    "receipt" JSONB,

    CONSTRAINT "erasures_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "suppressions" (
    "environmentId" TEXT NOT NULL,
    "hash" TEXT NOT NULL,
    "erasedAt" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "suppressions_pkey" PRIMARY KEY ("environmentId","hash")
);

-- CreateIndex
CREATE UNIQUE INDEX "companies_environmentId_companyId_key" ON "companies"("environmentId", "companyId");

-- CreateIndex
CREATE INDEX "events_environmentId_contactId_name_occurredAt_idx" ON "events"("environmentId", "contactId", "name", "occurredAt" DESC);

-- CreateIndex
CREATE INDEX "events_environmentId_occurredAt_idx" ON "events"("environmentId", "occurredAt");

-- CreateIndex
CREATE UNIQUE INDEX "events_environmentId_dedupeKey_key" ON "events"("environmentId", "dedupeKey");

-- CreateIndex
CREATE INDEX "jobs_environmentId_createdAt_idx" ON "jobs"("environmentId", "createdAt");

-- CreateIndex
CREATE INDEX "jobs_environmentId_apiKeyId_status_idx" ON "jobs"("environmentId", "apiKeyId", "status");

-- CreateIndex
CREATE INDEX "erasures_environmentId_status_runAt_idx" ON "erasures"("environmentId", "status", "runAt");

-- CreateIndex
CREATE INDEX "contacts_environmentId_companyId_idx" ON "contacts"("environmentId", "companyId");

-- CreateIndex
CREATE UNIQUE INDEX "contacts_environmentId_visitorId_key" ON "contacts"("environmentId", "visitorId");

-- AddForeignKey
ALTER TABLE "contacts" ADD CONSTRAINT "contacts_environmentId_companyId_fkey" FOREIGN KEY ("environmentId", "companyId") REFERENCES "companies"("environmentId", "id") ON DELETE NO ACTION ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "companies" ADD CONSTRAINT "companies_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "events" ADD CONSTRAINT "events_environmentId_contactId_fkey" FOREIGN KEY ("environmentId", "contactId") REFERENCES "contacts"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "jobs" ADD CONSTRAINT "jobs_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "job_chunks" ADD CONSTRAINT "job_chunks_environmentId_jobId_fkey" FOREIGN KEY ("environmentId", "jobId") REFERENCES "jobs"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "erasures" ADD CONSTRAINT "erasures_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "suppressions" ADD CONSTRAINT "suppressions_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

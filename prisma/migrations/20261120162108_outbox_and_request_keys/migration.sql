-- CreateEnum
CREATE TYPE "response_event_type" AS ENUM ('responseCreated', 'responseUpdated', 'responseFinished');

-- AlterTable
ALTER TABLE "displays" ADD COLUMN     "requestKey" TEXT;

-- AlterTable
ALTER TABLE "responses" ADD COLUMN     "changeHash" TEXT,
ADD COLUMN     "requestHash" TEXT,
ADD COLUMN     "requestKey" TEXT;

-- CreateTable
CREATE TABLE "outbox_events" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "type" "response_event_type" NOT NULL,
    "surveyId" TEXT NOT NULL,
    "responseId" TEXT NOT NULL,
    "payload" JSONB NOT NULL,

    CONSTRAINT "outbox_events_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateIndex
CREATE INDEX "outbox_events_id_idx" ON "outbox_events"("id");

-- CreateIndex
CREATE INDEX "displays_id_idx" ON "displays"("id");

-- CreateIndex
CREATE UNIQUE INDEX "displays_environmentId_requestKey_key" ON "displays"("environmentId", "requestKey");

-- CreateIndex
CREATE UNIQUE INDEX "responses_environmentId_requestKey_key" ON "responses"("environmentId", "requestKey");

-- AddForeignKey
ALTER TABLE "outbox_events" ADD CONSTRAINT "outbox_events_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

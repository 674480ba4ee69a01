-- CreateEnum
CREATE TYPE "webhook_delivery_status" AS ENUM ('pending', 'sending', 'delivered', 'failed');

-- AlterTable
ALTER TABLE "webhooks" ADD COLUMN     "consecutiveFailures" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "disabledAt" TIMESTAMPTZ(3),
ADD COLUMN     "dueAt" TIMESTAMPTZ(3),
ADD COLUMN     "failingSince" TIMESTAMPTZ(3),
ADD COLUMN     "lastDeliveredAt" TIMESTAMPTZ(3),
ADD COLUMN     "previousSecret" TEXT,
ADD COLUMN     "previousSecretExpiresAt" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "webhook_events" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "type" TEXT NOT NULL,
    "surveyId" TEXT,
    "subjectId" TEXT NOT NULL,
    "payload" JSONB NOT NULL,

    CONSTRAINT "webhook_events_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "webhook_deliveries" (
    "environmentId" TEXT NOT NULL,
    "id" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL,
    "webhookId" TEXT NOT NULL,
    "eventId" TEXT NOT NULL,
    "subjectId" TEXT NOT NULL,
    "status" "webhook_delivery_status" NOT NULL,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "attemptsBefore" INTEGER NOT NULL DEFAULT 0,
    "nextAttemptAt" TIMESTAMPTZ(3),
    "lastStatus" INTEGER,
    "lastDurationMs" INTEGER,
    "lastError" TEXT,

    CONSTRAINT "webhook_deliveries_pkey" PRIMARY KEY ("environmentId","id")
);

-- CreateTable
CREATE TABLE "webhook_attempts" (
    "environmentId" TEXT NOT NULL,
    "deliveryId" TEXT NOT NULL,
    "attempt" INTEGER NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL,
    "durationMs" INTEGER NOT NULL,
    "status" INTEGER,
    "error" TEXT,

    CONSTRAINT "webhook_attempts_pkey" PRIMARY KEY ("environmentId","deliveryId","attempt")
);

-- CreateIndex
CREATE INDEX "webhook_events_createdAt_idx" ON "webhook_events"("createdAt");

-- CreateIndex
CREATE INDEX "webhook_deliveries_environmentId_webhookId_status_nextAttem_idx" ON "webhook_deliveries"("environmentId", "webhookId", "status", "nextAttemptAt", "eventId");

-- CreateIndex
CREATE INDEX "webhook_deliveries_environmentId_webhookId_createdAt_idx" ON "webhook_deliveries"("environmentId", "webhookId", "createdAt");

-- CreateIndex
CREATE INDEX "webhook_deliveries_status_nextAttemptAt_idx" ON "webhook_deliveries"("status", "nextAttemptAt");

-- CreateIndex
CREATE UNIQUE INDEX "webhook_deliveries_environmentId_eventId_webhookId_key" ON "webhook_deliveries"("environmentId", "eventId", "webhookId");

-- CreateIndex
CREATE INDEX "webhooks_dueAt_idx" ON "webhooks"("dueAt");

-- AddForeignKey
ALTER TABLE "webhook_events" ADD CONSTRAINT "webhook_events_environmentId_fkey" FOREIGN KEY ("environmentId") REFERENCES "environments"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_environmentId_webhookId_fkey" FOREIGN KEY ("environmentId", "webhookId") REFERENCES "webhooks"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_deliveries" ADD CONSTRAINT "webhook_deliveries_environmentId_eventId_fkey" FOREIGN KEY ("environmentId", "eventId") REFERENCES "webhook_events"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_environmentId_deliveryId_fkey" FOREIGN KEY ("environmentId", "deliveryId") REFERENCES "webhook_deliveries"("environmentId", "id") ON DELETE CASCADE ON UPDATE CASCADE;

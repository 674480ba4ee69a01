-- AlterEnum
-- This migration adds more than one value to an enum.
-- With PostgreSQL versions 11 and earlier, this is not possible
-- in a single migration. This can be worked around by creating
-- multiple migrations, each migration adding only one value to
-- the enum.


ALTER TYPE "response_event_type" ADD VALUE 'contactCreated';
ALTER TYPE "response_event_type" ADD VALUE 'contactUpdated';
ALTER TYPE "response_event_type" ADD VALUE 'contactDeleted';
ALTER TYPE "response_event_type" ADD VALUE 'segmentEntered';
ALTER TYPE "response_event_type" ADD VALUE 'segmentLeft';
ALTER TYPE "response_event_type" ADD VALUE 'displayCreated';
ALTER TYPE "response_event_type" ADD VALUE 'eventTracked';

-- AlterTable
ALTER TABLE "outbox_events" ADD COLUMN     "contactId" TEXT,
ALTER COLUMN "surveyId" DROP NOT NULL,
ALTER COLUMN "responseId" DROP NOT NULL;

-- DropForeignKey
ALTER TABLE "outbox_events" DROP CONSTRAINT "outbox_events_environmentId_fkey";

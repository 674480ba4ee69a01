-- CreateIndex
CREATE INDEX "webhook_events_environmentId_subjectId_idx" ON "webhook_events"("environmentId", "subjectId");

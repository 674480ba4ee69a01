-- CreateTable: not logged, since counts are worth nothing after a crash; its rows are changed at every batch of requests.
CREATE UNLOGGED TABLE "rate_counts" (
    "key" TEXT NOT NULL,
    "count" INTEGER NOT NULL,
    "until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "rate_counts_pkey" PRIMARY KEY ("key")
) WITH (fillfactor = 70);

-- CreateIndex
CREATE INDEX "rate_counts_until_idx" ON "rate_counts"("until");

-- AlterTable
ALTER TABLE "environments" ADD COLUMN     "identifySecret" TEXT,
ADD COLUMN     "previousIdentifySecret" TEXT;

-- DropForeignKey
ALTER TABLE "environments" DROP CONSTRAINT "environments_projectId_fkey";

-- AlterTable
ALTER TABLE "environments" ALTER COLUMN "projectId" DROP NOT NULL;

-- AddForeignKey
ALTER TABLE "environments" ADD CONSTRAINT "environments_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "projects"("id") ON DELETE SET NULL ON UPDATE CASCADE;

/** A delivery worker in a process of its own, which a test may kill. Its leases are short. */
import { pino } from "pino";
import { openDatabase } from "../../src/db/database.ts";
import { createSecretBox } from "../../src/shared/secret-box.ts";
import { createAddressRules } from "../../src/webhooks/address-rules.ts";
import { createDeliverer } from "../../src/webhooks/deliverer.ts";
import { createDeliveryQueue } from "../../src/webhooks/delivery-queue.ts";
import { createDeliveryWorker } from "../../src/webhooks/delivery-worker.ts";
import { createSender } from "../../src/webhooks/sender.ts";

const { DATABASE_URL: url = "", ENCRYPTION_KEY = "", LEASE_MS = "" } = process.env;
const log = pino({ level: "warn" });
const now = Date.now;
const db = openDatabase({ url, poolSize: 4, log });
const queue = createDeliveryQueue({ db, now, leaseMs: Number(LEASE_MS) });
const sender = createSender({
  addresses: createAddressRules({ allowInternal: false, allowedNetworks: ["127.0.0.0/8"] }),
  resolve: () => Promise.reject(new Error("no names here")),
});
const deliverer = createDeliverer({
  queue,
  sender,
  secretBox: createSecretBox(ENCRYPTION_KEY),
  publicUrl: "https://mortar.example",
  now,
  random: Math.random,
  log,
});
createDeliveryWorker({ queue, deliverer, now, log, keepMs: 86_400_000, pollMs: 50 }).start();

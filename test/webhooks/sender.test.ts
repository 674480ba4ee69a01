import { createServer, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { afterEach, describe, expect, it } from "vitest";
import { createAddressRules } from "../../src/webhooks/address-rules.ts";
import { createSender, type SenderLimits } from "../../src/webhooks/sender.ts";
import { type Answer, type Receiver, startReceiver } from "./receiver.ts";

const STRICT = createAddressRules({ allowInternal: false, allowedNetworks: [] });
const LOOPBACK = createAddressRules({ allowInternal: false, allowedNetworks: ["127.0.0.0/8"] });
const LIMITS: SenderLimits = { overallMs: 1_500, connectMs: 500 };
const resolveLoopback = async () => [{ address: "127.0.0.1", family: 4 }];

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function receive(answer?: Answer): Promise<Receiver> {
  const receiver = await startReceiver(answer);
  closers.push(receiver.close);
  return receiver;
}

/** A server below HTTP. */
async function listen(onConnection: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on("error", () => undefined));
    onConnection(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}/`;
}

const never = () => new AbortController().signal;
const send = (url: string, sender = createSender({ addresses: LOOPBACK, resolve: resolveLoopback, limits: LIMITS })) =>
  sender.send({ url, headers: { "content-type": "application/json" }, body: "{}" }, never());

describe("an endpoint that answers", () => {
  it.each([200, 201, 204, 299])("with %i has got the message", async (status) => {
    const { url, received } = await receive((response) => response.writeHead(status).end());
    expect(await send(`${url}/x`)).toEqual({ status, error: null, durationMs: expect.any(Number) });
    expect(received).toMatchObject([{ path: "/x", body: "{}", headers: { "content-type": "application/json" } }]);
  });

  it.each([
    [400, "http_status"],
    [404, "http_status"],
    [429, "http_status"],
    [500, "http_status"],
    [503, "http_status"],
    [410, "gone"],
  ])("with %i has not: %s", async (status, error) => {
    const { url } = await receive((response) => response.writeHead(status).end("no"));
    expect(await send(url)).toMatchObject({ status, error });
  });

  it.each([301, 302, 303, 307, 308])("with %i is not followed", async (status) => {
    const inside = await receive();
    const { url } = await receive((response) => response.writeHead(status, { location: inside.url }).end());
    expect(await send(url)).toMatchObject({ status, error: "redirect" });
    expect(inside.connections()).toBe(0);
  });

  it("with two gigabytes gives us a few kilobytes of them", async () => {
    let socket: Socket | null = null;
    const { url } = await receive((response) => {
      socket = response.socket;
      response.writeHead(200, { "content-length": String(2 ** 31) });
      const chunk = Buffer.alloc(65_536);
      const more = (): void => {
        while (!response.destroyed && response.write(chunk));
        if (!response.destroyed) response.once("drain", more);
      };
      more();
    });
    const before = process.memoryUsage().rss;
    expect(await send(url)).toMatchObject({ status: 200, error: null });
    await expect.poll(() => socket?.destroyed).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(100 * 2 ** 20);
  });

  it("with a body that drips is not waited for", async () => {
    const { url } = await receive((response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write("x"), 50);
      response.on("close", () => clearInterval(drip));
    });
    const startedAt = Date.now();
    expect(await send(url)).toMatchObject({ status: 200, error: null });
    expect(Date.now() - startedAt).toBeLessThan(1_400);
  });
});

describe("an endpoint that does not answer", () => {
  it("but hangs is given up after the overall time", async () => {
    const { url } = await receive(() => undefined);
    const { durationMs, ...rest } = await send(url);
    expect(rest).toEqual({ status: null, error: "timeout" });
    expect(durationMs).toBeGreaterThanOrEqual(LIMITS.overallMs - 50);
    expect(durationMs).toBeLessThan(LIMITS.overallMs + 1_000);
  });

  it("but drips its headers is given up after the overall time", async () => {
    const url = await listen((socket) => {
      socket.write("HTTP/1.1 200 OK\r\n");
      const drip = setInterval(() => socket.write("x-drip: 1\r\n"), 100);
      socket.on("close", () => clearInterval(drip));
    });
    const { durationMs, ...rest } = await send(url);
    expect(rest).toEqual({ status: null, error: "timeout" });
    expect(durationMs).toBeLessThan(LIMITS.overallMs + 1_000);
  });

  it("but closes the connection has failed", async () => {
    expect(await send(await listen((socket) => socket.destroy()))).toMatchObject({ status: null, error: "connection_closed" });
  });

  it("but talks something else has failed", async () => {
    expect(await send(await listen((socket) => socket.end("SSH-2.0-OpenSSH_9\r\n")))).toMatchObject({ error: "invalid_answer" });
  });

  it("but sends endless headers has failed", async () => {
    const url = await listen((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${"x".repeat(100_000)}`));
    expect(await send(url)).toMatchObject({ error: "invalid_answer" });
  });

  it("and is not there has failed", async () => {
    const { url, close } = await startReceiver();
    await close();
    expect(await send(url)).toMatchObject({ status: null, error: "connection_refused" });
  });

  it("and shows no certificate that we trust has failed", async () => {
    const server = createTlsServer({}, () => undefined).on("tlsClientError", () => undefined);
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    closers.push(() => new Promise((resolve) => server.close(() => resolve())));
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    expect(await send(`https://127.0.0.1:${port}/`)).toMatchObject({ status: null, error: "tls" });
  });

  it("because its name has no address, or none in time, has failed", async () => {
    const missing = Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" });
    const senderOf = (resolve: () => Promise<never>) => createSender({ addresses: STRICT, resolve, limits: LIMITS });
    expect(
      await send(
        "http://hooks.example/",
        senderOf(() => Promise.reject(missing)),
      ),
    ).toMatchObject({ error: "dns" });
    const slow = await send(
      "http://hooks.example/",
      senderOf(() => new Promise(() => undefined)),
    );
    expect(slow).toMatchObject({ error: "connect_timeout" });
    expect(slow.durationMs).toBeLessThan(LIMITS.overallMs);
  });
});

describe("an address of our own network", () => {
  /** Ways to write a loopback, private or metadata address. */
  const FORMS = [
    ["127.0.0.1", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.0.0.1."],
    ["0.0.0.0", "0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254", "0xa9fea9fe", "2852039166"],
    ["[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]", "[64:ff9b::7f00:1]"],
    [
      "[64:ff9b::169.254.169.254]",
      "[2002:7f00:1::]",
      "[fe80::1]",
      "[fc00::1]",
      "[fd00:ec2::254]",
      "[ff02::1]",
      "[::ffff:0:7f00:1]",
    ],
    ["%31%32%37.0.0.1", "①②⑦.0.0.1", "127。0。0。1", "224.0.0.1", "255.255.255.255"],
  ].flat();
  const untouched = createSender({
    addresses: STRICT,
    resolve: () => Promise.reject(new Error("looked up")),
    limits: LIMITS,
  });

  it.each(FORMS)("is refused as %s", async (host) => {
    const { port, connections } = await receive();
    expect(await send(`http://${host}:${port}/`, untouched)).toMatchObject({ status: null, error: "address_refused" });
    expect(connections()).toBe(0);
  });

  it("is refused when a name has it, alone or among public ones", async () => {
    const { port, connections } = await receive();
    for (const others of [[], [{ address: "93.184.216.34", family: 4 }]]) {
      const resolve = async () => [...others, ...(await resolveLoopback())];
      const sender = createSender({ addresses: STRICT, resolve, limits: LIMITS });
      expect(await send(`http://hooks.example:${port}/`, sender)).toMatchObject({ error: "address_refused" });
      expect(await send(`https://hooks.example:${port}/`, sender)).toMatchObject({ error: "address_refused" });
    }
    expect(connections()).toBe(0);
  });

  it("is refused when a name has it at the second look-up, although the first went elsewhere", async () => {
    const { port, connections } = await receive((response) => response.writeHead(204, { connection: "close" }).end());
    const outside = createAddressRules({ allowInternal: false, allowedNetworks: ["127.0.0.1"] });
    const answers = ["127.0.0.1", "127.0.0.2"]; // the first stands for a public address
    const resolve = async () => [{ address: answers.shift() ?? "", family: 4 }];
    const sender = createSender({ addresses: outside, resolve, limits: LIMITS });
    expect(await send(`http://hooks.example:${port}/`, sender)).toMatchObject({ status: 204, error: null });
    expect(await send(`http://hooks.example:${port}/`, sender)).toMatchObject({ status: null, error: "address_refused" });
    expect(connections()).toBe(1);
  });

  it("is connected to, and no other, when it is allowed; the next one is tried when the first is dead", async () => {
    const { port, received } = await receive();
    const resolve = async () => [
      { address: "127.0.0.9", family: 4 },
      { address: "127.0.0.1", family: 4 },
    ];
    const sender = createSender({ addresses: LOOPBACK, resolve, limits: LIMITS });
    expect(await send(`http://hooks.example:${port}/`, sender)).toMatchObject({ status: 204 });
    expect(received[0]?.headers.host).toBe(`hooks.example:${port}`);
  });
});

describe("a connection", () => {
  const sender = () => createSender({ addresses: LOOPBACK, resolve: resolveLoopback, limits: LIMITS });

  it("is used for the messages that follow, each after the answer to the one before", async () => {
    const { port, connections, busiest } = await receive((response) => setTimeout(() => response.writeHead(204).end(), 5));
    const one = sender();
    const sendFive = async () => {
      for (let sent = 0; sent < 5; sent++)
        expect(await send(`http://hooks.example:${port}/`, one)).toMatchObject({ status: 204 });
    };
    await Promise.all([sendFive(), sendFive()]);
    expect(connections()).toBe(2);
    expect(busiest()).toBe(2);
  });

  it("that the endpoint has closed meanwhile costs no attempt", async () => {
    let served = 0;
    const { port, connections, received } = await receive((response) => {
      if (served++ === 1) response.socket?.destroy();
      else response.writeHead(204).end();
    });
    const one = sender();
    for (let sent = 0; sent < 2; sent++)
      expect(await send(`http://hooks.example:${port}/`, one)).toMatchObject({ status: 204, error: null });
    expect(received).toHaveLength(3);
    expect(connections()).toBe(2);
  });
});

it.each(["nonsense", "ftp://127.0.0.1/", "http://user:password@127.0.0.1/", "http://user@127.0.0.1/", "file:///etc/passwd"])(
  "%s is not sent to at all",
  async (url) => expect(await send(url)).toMatchObject({ status: null, error: "invalid_url" }),
);

it("throws when it is told to stop", async () => {
  const { url } = await receive(() => undefined);
  const stop = new AbortController();
  const sender = createSender({ addresses: LOOPBACK, resolve: resolveLoopback, limits: LIMITS });
  setTimeout(() => stop.abort(new Error("stopping")), 50);
  await expect(sender.send({ url, headers: {}, body: "{}" }, stop.signal)).rejects.toThrow("stopping");
});

import { connect, type Socket } from "node:net";
import { type Child, runProcess } from "../support/child-process.ts";

const children: Child[] = [];

/** Runs the server on a free port. */
export function runServer(variables: Record<string, string>): Child {
  const child = runProcess("src/main.ts", [], { PORT: "0", ...variables });
  children.push(child);
  return child;
}

/** Runs the server and waits until it serves. */
export async function startServer(variables: Record<string, string>): Promise<{ child: Child; address: string }> {
  const child = runServer(variables);
  const [, address = ""] = await child.waitFor(/^Mortar listens on (\S+);[\s\S]*^ {2}curl .*$/m);
  return { child, address };
}

/** Stops every server that was run, and waits. */
export async function endServers(): Promise<void> {
  for (const child of children.splice(0)) {
    child.process.kill("SIGTERM");
    await child.exited;
  }
}

/** Sends everything of a request but its body, and waits until the server has it. */
export async function sendHead(
  address: string,
  path: string,
  body: string,
): Promise<{ socket: Socket; answer: Promise<string> }> {
  const { hostname, port } = new URL(address);
  const socket = connect(Number(port), hostname);
  const answer = new Promise<string>((resolve) => {
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk.toString();
    });
    socket.on("close", () => resolve(text));
    socket.on("error", () => resolve(text));
  });
  socket.write(
    `POST ${path} HTTP/1.1\r\nhost: ${hostname}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\nexpect: 100-continue\r\n\r\n`,
  );
  await new Promise((resolve) => socket.once("data", resolve)); // 100 Continue: the server holds the request
  return { socket, answer };
}

/** The process ids of every worker that has listened so far, oldest first. */
export const listWorkers = (child: Child): number[] =>
  [...child.output().matchAll(/"pid":(\d+).*"Server listening/g)].map(([, pid]) => Number(pid));

// The JavaScript SDK as a driver: a line {operation, parameters} in, a line with the answer or the error out.
import { createInterface } from "node:readline";
import * as mturk from "@aws-sdk/client-mturk";

const client = new mturk.MTurkClient({
  region: "us-east-1",
  endpoint: process.argv[2],
  credentials: { accessKeyId: process.argv[3], secretAccessKey: "secret" },
});
for await (const line of createInterface({ input: process.stdin })) {
  const { operation, parameters } = JSON.parse(line);
  if (parameters.ExpireAt !== undefined) parameters.ExpireAt = new Date(parameters.ExpireAt * 1000);
  try {
    console.log(JSON.stringify(await client.send(new mturk[`${operation}Command`](parameters))));
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }));
  }
}

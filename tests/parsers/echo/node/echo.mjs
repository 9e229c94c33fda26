// Answers with what busboy reads in a multipart body: names and texts, and names and SHA-256 of files.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";

const busboy = createRequire(process.argv[3] + "/")("busboy");

createServer((request, response) => {
  const fields = [];
  const done = () => {
    if (!response.headersSent) {
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify(fields));
    }
  };
  try {
    const reader = busboy({ headers: request.headers });
    reader.on("field", (name, value) => fields.push([name, value]));
    reader.on("file", (name, stream) => {
      const digest = createHash("sha256");
      stream.on("data", (piece) => digest.update(piece));
      stream.on("end", () => fields.push([name, "sha256:" + digest.digest("hex")]));
      stream.on("error", done);
    });
    reader.on("close", done);
    reader.on("error", done);
    request.pipe(reader);
  } catch {
    request.resume();
    done();
  }
}).listen(Number(process.argv[2]), "127.0.0.1");

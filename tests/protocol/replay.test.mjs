// The recorded exchanges of upstream, played again. What is compared, and what differs by choice: replay.mjs.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { describeRow, recorded, replay, transcripts } from "./replay.mjs";

describe("the recorded exchanges", { skip: !recorded() && `no recording at ${transcripts}; TRANSCRIPTS=path names one` }, async () => {
  if (!recorded()) return;
  const { rows, unseen } = await replay();
  for (const row of rows)
    test(row.name, (t) => {
      if (row.verdict === "chosen") t.diagnostic(`differs as chosen: ${row.chosen.join(", ")}`);
      assert.notEqual(row.verdict, "DIFFERENT", `\n${describeRow(row)}`);
    });
  test("every chosen difference still shows", () => assert.deepEqual(unseen, []));
});

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMAIL_TAKEN, WRONG_CREDENTIALS, assertRefused, post, stranger } from "./support.mjs";

describe("fifty sign-ups with one address at the same moment", { timeout: 300_000 }, () => {
  test("make one user, who alone can sign in", async () => {
    const { email } = stranger();
    const spellings = [email, email.toUpperCase(), email.replace("ann", "Ann")];
    const rivals = Array.from({ length: 50 }, (_, i) => stranger({ email: spellings[i % 3], name: `Rival ${i}` }));

    const answers = await Promise.all(rivals.map((rival) => post("/sign-up/email", rival)));
    const winners = rivals.filter((_, i) => answers[i].status === 200);
    assert.equal(winners.length, 1, `one 200, not ${answers.map((a) => a.status).join(" ")}`);
    for (const [i, answer] of answers.entries())
      if (rivals[i] !== winners[0]) {
        assert.equal(answer.status, 422);
        // Upstream tells a loser that reached the database "failed to create"; both codes are the contract's.
        assert.ok([EMAIL_TAKEN.code, "FAILED_TO_CREATE_USER"].includes(answer.json.code), answer.text);
        assert.deepEqual(answer.setCookie, []);
      }

    for (const rival of rivals) {
      const answer = await post("/sign-in/email", { email, password: rival.password });
      if (rival === winners[0]) {
        assert.equal(answer.status, 200);
        assert.equal(answer.json.user.name, rival.name);
      } else assertRefused(answer, 401, WRONG_CREDENTIALS);
    }
  });
});

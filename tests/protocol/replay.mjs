// Plays the recorded exchanges of a better-auth 1.7.1 server again, on Hosts of its own, and says what differs.
//
//   node tests/protocol/replay.mjs                     parts A (core), B (variants) and C (plugins)
//   node tests/protocol/replay.mjs --part A --section sign-up
//   TRANSCRIPTS=path node tests/protocol/replay.mjs    the recording; ../shared/contracts/… beside the clone otherwise
//   --json                                             one line of JSON per exchange
//
// An exchange is "same", or differs only as chosen (replay/chosen-differences.json, explained in docs/better-auth.md),
// or is DIFFERENT, which fails; so does a chosen difference that no exchange shows any more.
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { startHost, stopHosts } from "./host.mjs";
import { compare } from "./replay/compare.mjs";
import { exchanges as directed, sections, servers } from "./replay/directions.mjs";
import { Stage } from "./replay/stage.mjs";
import { parseTranscript } from "./replay/transcript.mjs";

const repository = fileURLToPath(new URL("../..", import.meta.url));
export const transcripts =
  process.env.TRANSCRIPTS || `${repository}../shared/contracts/better-auth-transcripts.md`;

export const chosen = JSON.parse(readFileSync(new URL("replay/chosen-differences.json", import.meta.url), "utf8"));

/** Whether there is a recording to play. */
export const recorded = () => existsSync(transcripts);

/** `{ rows: [{ name, verdict, chosen: [names], different: [{ at, recorded, live }] }], unseen: [names] }` */
export async function replay({ parts = ["A", "B", "C"], section = "" } = {}) {
  const all = parseTranscript(readFileSync(transcripts, "utf8"));
  const wanted = all.filter((exchange) => parts.includes(exchange.part) && exchange.section.includes(section));
  if (wanted.length === 0) throw new Error(`no exchange of ${transcripts} is in part ${parts.join(", ")} and "${section}"`);
  const stages = new Map();
  const rows = [];
  try {
    for (const exchange of wanted) {
      const place = sections[`${exchange.part} · ${exchange.section}`];
      if (!place) throw new Error(`replay/directions.mjs does not say where "${exchange.section}" is played`);
      if (!stages.has(place.on)) stages.set(place.on, await openStage(place.on));
      rows.push(await playOne(exchange, stages.get(place.on), place));
    }
  } finally {
    await stopHosts();
    for (const { prepared } of stages.values()) await prepared?.close();
  }
  // Only a whole replay can tell that a difference is gone.
  const isWhole = !section && ["A", "B", "C"].every((part) => parts.includes(part));
  return { rows, unseen: isWhole ? unseen(rows) : [] };
}

async function openStage(name) {
  const { env, environment, origin, prepare } = servers[name];
  const prepared = await prepare?.();
  const { url } = await startHost({ name: `replay-${name}`, environment, env: { ...env, ...prepared?.env } });
  return new Stage({ server: url, origin: origin ?? url, prepared });
}

async function playOne(exchange, stage, place) {
  const direction = directed[exchange.name] ?? {};
  try {
    await direction.before?.(stage);
    const live = await stage.play(exchange, direction.as ?? place.as, place, {
      path: direction.path?.(stage),
      headers: direction.headers?.(stage),
      body: direction.body,
    });
    const response = direction.recorded?.(exchange.response) ?? exchange.response;
    return judge(exchange.name, compare(response, live, { ...place, bindings: stage.bindings, origin: stage.origin }));
  } catch (problem) {
    return { name: exchange.name, verdict: "DIFFERENT", chosen: [], different: [{ at: "exchange", live: problem.message }], seen: new Set() };
  }
}

// Every way in which a chosen difference shows, under the difference's name.
const shows = chosen.flatMap(({ name, shows: ways }) => ways.map((way) => ({ name, ...way })));

function judge(name, differences) {
  const judged = differences.map((difference) => ({
    ...difference,
    ways: shows.filter((way) => covers(way, name, difference)),
  }));
  const different = judged.filter(({ ways }) => ways.length === 0).map(({ ways, ...difference }) => difference);
  const seen = new Set(judged.flatMap(({ ways }) => ways));
  const verdict = different.length > 0 ? "DIFFERENT" : seen.size > 0 ? "chosen" : "same";
  return { name, verdict, chosen: [...new Set([...seen].map((way) => way.name))], different, seen };
}

function unseen(rows) {
  const seen = new Set(rows.flatMap((row) => [...row.seen]));
  return shows.filter((way) => !seen.has(way)).map(({ name, at, in: where }) => `${name} (${at}${where ? ` in ${where}` : ""})`);
}

// Everything that a way says must fit; a side it does not mention must be absent.
const covers = (way, name, { at, recorded: was, live }) =>
  (way.in === undefined || whole(way.in, name)) &&
  whole(way.at, at) &&
  (way.recorded === undefined ? was === undefined : was !== undefined && whole(way.recorded, was)) &&
  (way.live === undefined ? live === undefined : live !== undefined && whole(way.live, live));
const whole = (pattern, text) => new RegExp(`^(?:${pattern})$`, "s").test(text);

/** A row for people. */
export function describeRow({ name, verdict, chosen: names, different }) {
  const lines = [`${verdict.padEnd(10)} ${name}${names.length > 0 ? `   [${names.join(", ")}]` : ""}`];
  for (const { at, recorded: was, live } of different)
    lines.push(`             ${at}`, `               recorded  ${was ?? "(absent)"}`, `               here      ${live ?? "(absent)"}`);
  return lines.join("\n");
}

export function describeTotals({ rows, unseen }) {
  const count = (verdict) => rows.filter((row) => row.verdict === verdict).length;
  const lines = [
    `${rows.length} exchanges: ${count("same")} same, ${count("chosen")} with chosen differences, ${count("DIFFERENT")} DIFFERENT`,
    ...unseen.map((way) => `The chosen difference ${way} was not seen: take it off the list, or replay what shows it.`),
  ];
  return lines.join("\n");
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
  for (const name of ["SIGINT", "SIGTERM"]) process.once(name, () => stopHosts().then(() => process.exit(130)));
  if (!recorded()) {
    console.error(`There is no recording at ${transcripts}: set TRANSCRIPTS to its path.`);
    process.exit(2);
  }
  const report = await replay({ parts: option("--part")?.split(",") , section: option("--section") });
  for (const row of report.rows) console.log(process.argv.includes("--json") ? JSON.stringify({ ...row, seen: undefined }) : describeRow(row));
  console.log(`\n${describeTotals(report)}`);
  process.exitCode = report.unseen.length > 0 || report.rows.some((row) => row.verdict === "DIFFERENT") ? 1 : 0;
}

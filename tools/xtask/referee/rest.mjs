// The broker's JS SDK, unmodified, making the calls of lists/calls.json against a simulator.
//
// Standard input: one JSON object with `api`, `order` (base addresses), `modules` (where the SDK is installed),
// `calls`, `token` and `values` (what $name stands for). Standard output: one JSON object a call with what was wrong,
// if anything. The login dialog is no call for a program: its redirect is read here and gives the code to exchange.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import path from "node:path";

const input = JSON.parse(readFileSync(0, "utf8"));
const sdk = createRequire(path.join(input.modules, "x.js"))("upstox-js-sdk");
const values = input.values;
const waitMs = 10_000;

const client = sdk.ApiClient.instance;
client.basePath = input.api;
client.orderBasePath = input.order;
client.authentications["OAUTH2"].accessToken = input.token;

let endpoint = "";
let method = "";
const callApi = client.callApi.bind(client);
client.callApi = (template, method, ...rest) => {
  endpoint = `${method} ${template.split("?")[0]}`;
  return callApi(template, method, ...rest);
};

/** A word without what the two SDKs spell differently. */
const plain = (word) => word.replaceAll("_", "").toLowerCase();

/** The arguments with values in place of their names. */
function filled(part) {
  if (typeof part === "string") {
    if (/^\$\w+$/.test(part)) return values[part.slice(1)];
    return part.replace(/\$(\w+)/g, (_, name) => values[name]);
  }
  if (Array.isArray(part)) return part.map(filled);
  if (part && typeof part === "object") {
    return Object.fromEntries(Object.entries(part).map(([name, value]) => [name, filled(value)]));
  }
  return part;
}

/** A part of an answer by its path. */
const part = (answer, place) => place.split(".").reduce((inner, name) => inner?.[name], answer);

const camel = (word) => word.replace(/^_/, "").replace(/_(\w)/g, (_, letter) => letter.toUpperCase());

/** The same with the names of an object as the JS SDK's own models have them. */
function cameled(part) {
  if (Array.isArray(part)) return part.map(cameled);
  if (part === null || typeof part !== "object") return part;
  return Object.fromEntries(Object.entries(part).map(([name, value]) => [camel(name), cameled(value)]));
}

/** Makes one call; gives the answer's JSON, or throws. */
function made(call) {
  const [className, wanted] = call.call.split(".");
  const apiName = Object.keys(sdk).find((name) => plain(name) === plain(className));
  const api = new sdk[apiName]();
  const methodName = Object.getOwnPropertyNames(Object.getPrototypeOf(api)).find((name) => plain(name) === plain(wanted));
  method = `${apiName}.${methodName}`;
  if (!methodName) throw new Error(`the JS SDK has no ${call.call}`);
  const source = api[methodName].toString();
  const names = /\(([^)]*)\)/.exec(source)[1].split(",").map((name) => name.trim());
  // Calls that turn a model into the broker's spelling by themselves must be given a model.
  const takesModel = source.includes("this.mapTo");
  const positional = takesModel ? cameled(filled(call.args ?? [])) : filled(call.args ?? []);
  const options = Object.fromEntries(Object.entries(filled(call.options ?? {})).map(([name, value]) => [camel(name), value]));
  return new Promise((resolve, reject) => {
    const done = (error, _data, response) => (error ? reject(worded(error)) : resolve(response.body));
    const list = names.map((name) => (name === "opts" ? options : name === "callback" ? done : positional.shift()));
    api[methodName](...list);
  });
}

/** Every call that the SDK has, as `Class.method`; models and the streamers of the feeds hold none. */
function allMethods() {
  const classes = Object.keys(sdk).filter((name) => /Api(V3)?$/.test(name) && typeof sdk[name] === "function");
  return classes.flatMap((name) =>
    Object.getOwnPropertyNames(sdk[name].prototype)
      .filter((wanted) => wanted !== "constructor" && !wanted.endsWith("WithHttpInfo") && !wanted.startsWith("mapTo"))
      .map((wanted) => `${name}.${wanted}`),
  );
}

const worded = (error) => new Error(`${error.status ?? ""} ${error.response?.text?.slice(0, 200) ?? error.message}`);

/** Why an answer is not as the list says, or nothing. */
function wrong(call, answer) {
  const wanted = filled({ ...call.until, ...call.expect });
  for (const [place, value] of Object.entries(wanted)) {
    const got = part(answer, place);
    if (got !== value) return `${place} is ${JSON.stringify(got)}, wanted ${JSON.stringify(value)}`;
  }
  if (call.name !== "token" && answer?.status !== "success") return `status is ${answer?.status}`;
  return "";
}

/** Makes a call and judges it; asks again while it says `until`. */
async function judged(call) {
  const end = Date.now() + (call.until ? waitMs : 0);
  for (;;) {
    const answer = await made(call);
    const problem = wrong(call, answer);
    if (problem && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      continue;
    }
    for (const [name, place] of Object.entries(call.save ?? {})) values[name] = part(answer, place);
    return problem;
  }
}

/** The code that the login dialog gives to the application's redirect address. */
async function codeOfDialog() {
  const query = new URLSearchParams({ client_id: values.client_id, redirect_uri: values.redirect_uri });
  const answer = await fetch(`${input.api}/v2/login/authorization/dialog?${query}`, { redirect: "manual" });
  return new URL(answer.headers.get("location")).searchParams.get("code");
}

/** Logs in again after a call that took the token with it. */
async function logIn() {
  values.code = await codeOfDialog();
  const answer = await made(input.calls.find((call) => call.name === "token"));
  client.authentications["OAUTH2"].accessToken = answer.access_token;
}

for (const call of input.calls) {
  if (call.browser) {
    values.code = await codeOfDialog();
    continue;
  }
  const began = Date.now();
  let problem;
  try {
    problem = await judged(call);
  } catch (error) {
    problem = String(error.message);
  }
  console.log(JSON.stringify({ name: call.name, endpoint, method, problem, seconds: (Date.now() - began) / 1000 }));
  if (call.ends) await logIn();
}
console.log(JSON.stringify({ methods: allMethods() }));

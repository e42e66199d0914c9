// curl does what docs/broker.md shows, line by line, and what is refused.
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { decodeJwt } from 'jose'
import { FOLDER, ISSUER, answers, check } from './check.mjs'

const guide = readFileSync('docs/broker.md', 'utf8')

// blocks are the guide's examples of a language.
const blocks = (language) => [...guide.matchAll(new RegExp('^```' + language + '\\n(.*?)^```$', 'gms'))].map((match) => match[1])

// The guide's command that signs, with what every Go file has above it.
function buildSign() {
  const source = blocks('go').find((block) => block.includes('Command sign'))
  const imports = ['context', 'fmt', 'io', 'log', 'os', 'strings', 'github.com/litentry/wallet-federation/broker/client']
  writeFileSync(join(FOLDER, 'sign.go'), `package main\nimport (\n${imports.map((path) => `"${path}"`).join('\n')}\n)\n${source}`)
  execFileSync('go', ['build', '-o', join(FOLDER, 'sign'), join(FOLDER, 'sign.go')])
}

const emptyFolder = () => mkdtempSync(join(FOLDER, 'curl-'))

function bash(script, cwd) {
  const options = { cwd, input: script, encoding: 'utf8', env: { ...process.env, ORIGIN: new URL(ISSUER).origin } }
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-s'], options)
  assert.equal(status, 0, stdout + stderr)
  return stdout
}

async function guided() {
  const cwd = emptyFolder()
  let outputs
  await check('curl', "docs/broker.md's commands work as they are written", () => {
    const script = blocks('sh').join('echo ----\n')
    outputs = bash(script, cwd).split('----\n')
    return `${script.match(/curl/g).length} calls`
  })
  const json = blocks('json').map((text) => JSON.parse(text))
  await check('curl', "docs/broker.md's JWT has the members of a real one", () => {
    const example = json.find((value) => value.jti && value.aud)
    const real = decodeJwt(readFileSync(join(cwd, 'wallet.jwt'), 'utf8'))
    assert.deepEqual(Object.keys(real).sort(), Object.keys(example).sort())
    assert.deepEqual(Object.keys(real['https://aws.amazon.com/tags']), Object.keys(example['https://aws.amazon.com/tags']))
  })
  await check('curl', "docs/broker.md's message, health and metrics are like the real ones", () => {
    const shape = (text) => text.trim().replace(/[0-9A-Za-z]+(?=\n|$)/g, 'x').replace(/127\.0\.0\.1:\d+/g, 'x').replace(/https?:/g, 'x:').replace(/\d/g, '0')
    const example = guide.match(/^```\n([^\n]* wants you to sign in.*?)^```$/ms)[1]
    assert.equal(shape(outputs.find((output) => output.includes('wants you'))), shape(example))
    assert.deepEqual(JSON.parse(outputs.find((output) => output.includes('nonce_store"'))), json.find((value) => value.checks))
    const metrics = outputs.at(-1)
    for (const row of guide.match(/^\| Metric.*?^$/ms)[0].split('\n').slice(2).filter(Boolean)) {
      for (const [, name] of row.split('|')[1].matchAll(/`(\w+)`/g)) assert.ok(metrics.includes('wallet_federation_broker_' + name), name)
    }
  })
}

async function scripted() {
  const cwd = emptyFolder()
  let lines = []
  await check('curl', 'runs refusals.sh', () => {
    lines = bash(readFileSync('hack/interop/refusals.sh', 'utf8'), cwd).trim().split('\n')
  })
  for (const [what, got, want] of lines.map((line) => line.split('\t'))) {
    await check('curl', what, () => {
      assert.equal(got, want)
      return got
    })
  }
  answers.push(...readFileSync(join(cwd, 'answers'), 'utf8').trim().split('\n').map((line) => JSON.parse(line)))
}

export async function run() {
  buildSign()
  await guided()
  await scripted()
}

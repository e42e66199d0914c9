// Reads cases from standard input, decides them with @cloud-copilot/iam-simulate and
// prints the kinds of case in which it decides otherwise than we do, with an example of
// each. The package's entry point insists on actions and condition keys that AWS has,
// so the engine below it is called.
import { createInterface } from 'node:readline'
import { loadPolicy } from '@cloud-copilot/iam-policy'

const engine = new URL('node_modules/@cloud-copilot/iam-simulate/dist/esm/', import.meta.url)
const { authorize } = await import(new URL('core_engine/CoreSimulatorEngine.js', engine))
const { AwsRequestImpl } = await import(new URL('request/request.js', engine))
const { RequestContextImpl } = await import(new URL('requestContext.js', engine))
const { DiscoveryContextKeyConstraints } = await import(new URL('context_keys/discoveryContextKeyConstraints.js', engine))

const load = (policy) => policy && loadPolicy(policy, { name: 'policy' })

const allowEverything = (name) => [{
  orgIdentifier: 'o-example',
  policies: [load({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...(name === 'rcp' && { Principal: '*' }), Action: '*', Resource: '*' }] })]
}]

function decide(c) {
  return authorize({
    request: new AwsRequestImpl(c.caller, { resource: c.target, accountId: '123456789012' }, c.action, new RequestContextImpl(c.context)),
    identityPolicies: c.identity?.map(load) ?? [],
    sessionPolicy: load(c.session?.[0]),
    permissionBoundaries: c.boundary?.map(load),
    resourcePolicy: load(c.resource?.[0]),
    serviceControlPolicies: allowEverything('scp'),
    resourceControlPolicies: allowEverything('rcp'),
    simulationParameters: { simulationMode: 'Strict', discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([]) }
  }).result
}

let cases = 0
const known = new Map()
const unknown = new Map()
for await (const line of createInterface({ input: process.stdin })) {
  const c = JSON.parse(line)
  cases++
  const theirs = decide(c)
  if (theirs === c.ours) continue
  const kind = c.known ?? `${c.class}: we ${c.ours}, they ${theirs}`
  const kinds = c.known ? known : unknown
  kinds.set(kind, { count: (kinds.get(kind)?.count ?? 0) + 1, example: line })
}
for (const [kind, { count, example }] of unknown) console.log(`${count} x ${kind}\n    ${example}`)
for (const [kind, { count }] of known) console.log(`${count} on purpose: ${kind}`)
console.log(`${cases} cases, ${unknown.size} kinds of difference that nothing explains`)
process.exitCode = unknown.size > 0 ? 1 : 0

// Runs all clients against the brokers that the environment names, prints a table, and
// fails if anything did. `go run ./hack/interop` starts it.
import { tried } from './check.mjs'

for (const clients of ['wallets', 'siwe', 'tokens', 'oauth', 'curl', 'openapi']) {
  const { run } = await import(`./${clients}.mjs`)
  await run(...process.argv.slice(2))
}

const width = (column) => Math.max(...tried.map((row) => row[column].length))
const [client, what] = [width('client'), width('what')]
for (const row of tried) {
  console.log(`${row.client.padEnd(client)}  ${row.what.padEnd(what)}  ${row.result}`)
}
const failed = tried.filter((row) => row.error)
for (const row of failed) console.log(`\n${row.client} ${row.what}:\n${row.error.stack}`)
console.log(`\n${tried.length} tried, ${failed.length} failed`)
process.exitCode = failed.length > 0 ? 1 : 0

// A validator of OpenAPI takes the description, and every answer that any client got
// is as it says.
import assert from 'node:assert/strict'
import { Validator } from '@seriousme/openapi-schema-validator'
import Ajv from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { ISSUER, ISSUER_WITH_PATH, answers, check, recorded } from './check.mjs'

// described is the path as the description has it: without that of the issuer, which
// stands before it, or behind it as RFC 8414 has it.
function described(document, url) {
  const path = new URL(url).pathname
  return [path, path.replace(new URL(ISSUER_WITH_PATH).pathname, '')].find((candidate) => document.paths[candidate])
}

const escaped = (name) => name.replaceAll('~', '~0').replaceAll('/', '~1')

// at follows the names from the root, and references on the way.
function at(document, names) {
  let [value, pointer] = [document, '']
  for (const name of names) {
    value = value?.[name]
    pointer += '/' + escaped(name)
    if (value?.$ref) {
      pointer = value.$ref.slice(1)
      value = pointer.slice(1).split('/').reduce((inner, key) => inner[key.replaceAll('~1', '/').replaceAll('~0', '~')], document)
    }
  }
  return [value, pointer]
}

function hold(ajv, document, answer) {
  const path = described(document, answer.url)
  const common = { 404: 'NotFound', 405: path === '/oauth2/token' ? 'OAuthMethodNotAllowed' : 'MethodNotAllowed' }[answer.status]
  const method = answer.method === 'HEAD' ? 'get' : answer.method.toLowerCase()
  const place = common ? ['components', 'responses', common] : ['paths', path, method, 'responses', String(answer.status)]
  const [response] = at(document, place)
  assert.ok(response, 'the status is not described')
  for (const [name, header] of Object.entries(response.headers ?? {})) {
    assert.ok(answer.headers[name.toLowerCase()] !== undefined || header.required === false, `no header ${name}`)
  }
  if (answer.method === 'HEAD' || answer.status === 304) return
  const type = answer.headers['content-type'].split(';')[0]
  const [, pointer] = at(document, [...place, 'content', type, 'schema'])
  const validate = ajv.compile({ $ref: 'openapi.json#' + encodeURI(pointer) })
  assert.ok(validate(JSON.parse(answer.body)), ajv.errorsText(validate.errors))
}

export async function run() {
  let document
  for (const [name, issuer] of Object.entries({ 'an issuer': ISSUER, 'an issuer with a path': ISSUER_WITH_PATH })) {
    await check('openapi-schema-validator', `takes the description of ${name}`, async () => {
      const text = await (await recorded(issuer + '/openapi.json')).json()
      document ??= text
      const { valid, errors } = await new Validator().validate(structuredClone(text))
      assert.ok(valid, JSON.stringify(errors))
      return text.openapi
    })
  }
  await check('ajv', 'finds every answer as it is described', () => {
    const ajv = addFormats(new Ajv({ strict: false, allErrors: true }))
    ajv.addSchema(document, 'openapi.json')
    const kinds = new Set()
    for (const answer of answers) {
      try {
        hold(ajv, document, answer)
      } catch (error) {
        error.message = `${answer.method} ${answer.url} ${answer.status} ${answer.body}: ${error.message}`
        throw error
      }
      kinds.add(`${answer.method} ${described(document, answer.url)} ${answer.status}`)
    }
    return `${answers.length} answers, ${kinds.size} kinds`
  })
}

// Wallet libraries sign in: what the server proposes is signed as it is.
import assert from 'node:assert/strict'
import { Signature, Wallet, id, toBeHex } from 'ethers'
import { createWalletClient, http, recoverMessageAddress } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { mainnet } from 'viem/chains'
import { createSiweMessage, parseSiweMessage, validateSiweMessage } from 'viem/siwe'
import { ISSUER, OUTCAST_KEY, ROLE, check, mint, refused, signIn, start, verify } from './check.mjs'

const wallets = {
  ethers: () => {
    const wallet = Wallet.createRandom()
    return { address: wallet.address, sign: (message) => wallet.signMessage(message) }
  },
  viem: () => {
    const account = privateKeyToAccount(generatePrivateKey())
    // With a transport that goes nowhere: signing asks no chain.
    const client = createWalletClient({ account, chain: mainnet, transport: http('http://127.0.0.1:9') })
    return { address: account.address, sign: (message) => client.signMessage({ message }) }
  }
}

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n

export async function run() {
  for (const [library, create] of Object.entries(wallets)) {
    await check(library, 'signs in with ten random keys and mints', async () => {
      for (let i = 0; i < 10; i++) {
        const { address, sign } = create()
        const { verified } = await signIn(i % 2 ? address : address.toLowerCase(), sign)
        assert.equal(verified.status, 200)
        assert.equal(verified.body.wallet, address.toLowerCase())
        const minted = await mint(verified.body.session_jwt, { role_arn: ROLE })
        assert.equal(minted.status, 200)
        assert.equal(minted.body.wallet, address.toLowerCase())
      }
    })
    await check(library, 'is refused a message that was used', async () => {
      const { address, sign } = create()
      const { body } = await start(address)
      const signature = await sign(body.siwe_message)
      assert.equal((await verify(body.request_id, signature)).status, 200)
      return refused(await verify(body.request_id, signature), 401, 'sign_in_failed')
    })
    await check(library, "is refused another wallet's message", async () => {
      const { started } = await signIn(create().address, create().sign)
      const other = await verify(started.request_id, await create().sign(started.siwe_message))
      return refused(other, 401, 'sign_in_failed')
    })
    await check(library, 'is refused a message of its own making', async () => {
      const { address, sign } = create()
      const { verified } = await signIn(address, (message) => sign(message.replace('Issued At', 'Request ID: 1\nIssued At')))
      return refused(verified, 401, 'sign_in_failed')
    })
  }

  await check('ethers', 'may write v as 0 and 1', async () => {
    for (let i = 0; i < 4; i++) {
      const { address, sign } = wallets.ethers()
      const { verified } = await signIn(address, async (message) => {
        const { r, s, yParity } = Signature.from(await sign(message))
        return r + s.slice(2) + toBeHex(yParity, 1).slice(2)
      })
      assert.equal(verified.status, 200)
    }
  })
  await check('ethers', 'is refused the high-s twin', async () => {
    const { address, sign } = wallets.ethers()
    const { verified } = await signIn(address, async (message) => {
      const { r, s, yParity } = Signature.from(await sign(message))
      return r + toBeHex(order - BigInt(s), 32).slice(2) + toBeHex(28 - yParity, 1).slice(2)
    })
    return refused(verified, 401, 'sign_in_failed')
  })
  await check('ethers', 'is refused the compact form (EIP-2098)', async () => {
    const { address, sign } = wallets.ethers()
    const { verified } = await signIn(address, async (message) => Signature.from(await sign(message)).compactSerialized)
    return refused(verified, 401, 'sign_in_failed')
  })
  await check('ethers', 'is refused a signature without the prefix of EIP-191', async () => {
    const wallet = Wallet.createRandom()
    const { verified } = await signIn(wallet.address, (message) => wallet.signingKey.sign(id(message)).serialized)
    return refused(verified, 401, 'sign_in_failed')
  })
  await check('ethers', 'is refused where the issuer does not admit it', async () => {
    const wallet = new Wallet(OUTCAST_KEY)
    const { verified } = await signIn(wallet.address, (message) => wallet.signMessage(message))
    return refused(verified, 403, 'not_admitted')
  })
  await check('ethers', 'is refused an address with a wrong checksum, and a chain', async () => {
    const { address } = wallets.ethers()
    const wrong = address.replace(/[a-f]/i, (c) => (c < 'a' ? c.toLowerCase() : c.toUpperCase()))
    return refused(await start(wrong), 400, 'invalid_address') + ', ' + refused(await start(address, 137), 400, 'unsupported_chain')
  })

  await check('viem', 'parses and validates the message, and recovers the signer', async () => {
    const { address, sign } = wallets.viem()
    const { body } = await start(address)
    const fields = parseSiweMessage(body.siwe_message)
    const { host, protocol } = new URL(ISSUER)
    assert.deepEqual(
      [fields.domain, fields.uri, fields.address, fields.chainId, fields.nonce, fields.version],
      [host, ISSUER, address, 1, body.nonce, '1'])
    assert.equal(fields.expirationTime.getTime() / 1000, body.expires_at)
    assert.ok(validateSiweMessage({ message: fields, address, domain: host, nonce: body.nonce, scheme: fields.scheme && protocol.slice(0, -1) }))
    assert.equal(await recoverMessageAddress({ message: body.siwe_message, signature: await sign(body.siwe_message) }), address)
  })
  await check('viem', 'is refused what it composes of the same fields', async () => {
    // It writes milliseconds: the same message in another spelling is another text.
    const { address, sign } = wallets.viem()
    const { verified } = await signIn(address, (message) => sign(createSiweMessage(parseSiweMessage(message))))
    return refused(verified, 401, 'sign_in_failed')
  })
  await check('viem', 'is refused typed data (EIP-712) with the message in it', async () => {
    const account = privateKeyToAccount(generatePrivateKey())
    const { verified } = await signIn(account.address, (message) => account.signTypedData({
      domain: { name: 'x' }, types: { Message: [{ name: 'text', type: 'string' }] }, primaryType: 'Message', message: { text: message }
    }))
    return refused(verified, 401, 'sign_in_failed')
  })
}

import {createRequire} from 'node:module'
import {guardProcess} from '../../core/crash.js'
import {messageOf} from '../../core/errors.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

/**
 * One keychain operation in a process of its own: what hangs in native code can only be ended by a signal, and would
 * keep its process from exiting. The request comes over stdin, so that no secret is in argv.
 */
async function main(): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  const answer = await perform(JSON.parse(Buffer.concat(chunks).toString('utf8')) as ChildRequest)
  process.stdout.write(JSON.stringify(answer))
}

async function perform(request: ChildRequest): Promise<ChildAnswer> {
  let keytar: typeof import('keytar')
  try {
    keytar = createRequire(import.meta.url)('keytar') as typeof import('keytar')
  } catch {
    return {ok: false, reason: 'no-addon', message: ''}
  }
  const {service, account} = request
  try {
    switch (request.operation) {
      case 'probe':
        return {ok: true, value: null, found: true}
      case 'get': {
        const value = await keytar.getPassword(service, account)
        return {ok: true, value, found: value !== null}
      }
      case 'set':
        await keytar.setPassword(service, account, request.value)
        return {ok: true, value: null, found: true}
      case 'delete':
        return {ok: true, value: null, found: await keytar.deletePassword(service, account)}
    }
  } catch (error) {
    return {ok: false, reason: 'failed', message: messageOf(error)}
  }
}

// The request holds a secret, and so may what is thrown: the exit code says enough.
guardProcess({report: () => undefined, warn: undefined, exit: (code) => process.exit(code)})
await main()

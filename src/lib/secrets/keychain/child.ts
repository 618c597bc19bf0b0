import {createRequire} from 'node:module'
import {guardProcess} from '../../system/crash.js'
import {messageOf, nameOfThrown} from '../../core/errors.js'
import {isExecutable} from '../../system/zt-program.js'
import type {Keytar} from './addon.js'
import {keytarDirectory} from './child-path.js'
import type {ChildAnswer, ChildRequest} from './protocol.js'

/**
 * One keychain call in its own process: native code that hangs can only be ended by a signal, and keeps its process from
 * exiting. The request is one line on stdin, so that no secret is in argv. While stdin is open, the parent waits for the
 * answer.
 */
function main(): void {
  let request = ''
  process.stdin.setEncoding('utf8')
  process.stdin.on('data', (text: string) => {
    const asked = request.includes('\n')
    request += text
    if (!asked && request.includes('\n')) void answer(request)
  })
  // The parent is gone. process.exit would wait for the native call, and this process may hold a secret.
  process.stdin.once('close', () => {
    process.kill(process.pid, 'SIGKILL')
  })
}

async function answer(request: string): Promise<void> {
  const text = JSON.stringify(await perform(JSON.parse(request) as ChildRequest))
  process.stdout.write(text, () => {
    process.exit(0)
  })
}

async function perform(request: ChildRequest): Promise<ChildAnswer> {
  let keytar: Keytar
  try {
    keytar = isExecutable()
      ? (await import('./addon.js')).loadAddon(request.addonDirectory)
      : (createRequire(import.meta.url)(keytarDirectory() ?? './no keytar') as Keytar)
  } catch (error) {
    const known = nameOfThrown(error) === 'AddonError'
    return {ok: false, reason: 'no-addon', message: known ? messageOf(error) : ''}
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

// The request and any error may hold a secret: the exit code says enough.
guardProcess({report: () => undefined, warn: undefined, exit: (code) => process.exit(code)})
main()

// Started by lock.test.ts in a process of its own: adds one to a file under a lock, slowly and without a lock of its own.
import fs from 'node:fs/promises'
import {register} from 'tsx/esm/api'

register()
const {Locks} = await import('../../src/lib/system/lock.ts')
const [directory, file, times, dieHolding] = process.argv.slice(2)
const locks = new Locks(directory)
for (let i = 0; i < Number(times); i++) {
  const lock = await locks.acquire('counter', 600_000)
  if (!lock) throw new Error('no lock')
  const before = Number(await fs.readFile(file, 'utf8'))
  await new Promise((resolve) => setTimeout(resolve, 5))
  if (dieHolding === 'yes' && i === Number(times) - 1) process.kill(process.pid, 'SIGKILL')
  await fs.writeFile(file, String(before + 1))
  await lock.release()
}

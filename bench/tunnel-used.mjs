// What a process has used, from /proc (Linux).
import {readdirSync, readFileSync} from 'node:fs'

/** Processor time in seconds; peak memory and memory in MiB; undefined without /proc. */
export function usedBy(pid) {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) / 1024
    return {cpu: secondsOf(pid), peak: mib('VmHWM'), memory: mib('VmRSS')}
  } catch {
    return undefined
  }
}

/** The processor time of several processes together. */
export const cpuOf = (pids) => pids.reduce((sum, pid) => sum + (usedBy(pid)?.cpu ?? 0), 0)

/** In nanoseconds by thread, where the kernel counts that; otherwise in hundredths of a second. */
function secondsOf(pid) {
  // The third field begins after the program's name, which may contain anything.
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')
  const whole = (Number(fields[11]) + Number(fields[12])) / 100
  try {
    const tasks = readdirSync(`/proc/${pid}/task`)
    const spent = tasks.map(
      (task) => readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'latin1').split(' ')[0],
    )
    // Threads that have ended are only in the whole.
    return Math.max(whole, spent.reduce((sum, one) => sum + Number(one), 0) / 1e9)
  } catch {
    return whole
  }
}

// What a process has used, from /proc (Linux).
import {readFileSync} from 'node:fs'

/** Linux counts processor time in hundredths of a second. */
const TICKS = 100

/** Processor time in seconds; peak memory and memory in MiB; undefined without /proc. */
export function usedBy(pid) {
  try {
    // The third field begins after the program's name, which may contain anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ').pop().split(' ')
    const status = readFileSync(`/proc/${pid}/status`, 'latin1')
    const mib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)[1]) / 1024
    return {
      cpu: (Number(fields[11]) + Number(fields[12])) / TICKS,
      peak: mib('VmHWM'),
      memory: mib('VmRSS'),
    }
  } catch {
    return undefined
  }
}

/** The same for several processes: their processor time together. */
export const cpuOf = (pids) => pids.reduce((sum, pid) => sum + (usedBy(pid)?.cpu ?? 0), 0)

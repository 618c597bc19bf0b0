// Loaded into the measured zt: writes the resources that it used to BENCH_USED_FILE.
const {writeFileSync} = require('node:fs')

process.on('exit', () => {
  const {maxRSS, userCPUTime, systemCPUTime} = process.resourceUsage()
  const used = {mib: maxRSS / 1024, cpuMs: (userCPUTime + systemCPUTime) / 1000}
  writeFileSync(process.env.BENCH_USED_FILE, JSON.stringify(used))
})

// npm run manual -- PAGE... [--update]: runs pages of the manual, and says what is not as they say. With --update it writes
// what the commands showed into the pages: read the difference before you commit it.
import {readFileSync, writeFileSync} from 'node:fs'
import path from 'node:path'
import {parseArgs} from 'node:util'
import {err, out} from '../../../src/lib/cli/streams.js'
import {checkPage, readPage, root, updated} from './check.js'

const {values, positionals} = parseArgs({allowPositionals: true, options: {update: {type: 'boolean'}}})
if (positionals.length === 0) {
  err('npm run manual -- PAGE... [--update]')
  process.exitCode = 2
}
for (const name of positionals) {
  const page = readPage(path.relative(root, path.resolve(name)))
  let result = await checkPage(page)
  if (values.update === true && result.problems.length > 0) {
    const file = path.join(root, page.name)
    writeFileSync(file, updated(readFileSync(file, 'utf8'), result))
    result = {...result, problems: (await checkPage(readPage(page.name))).problems}
  }
  const {ran, problems} = result
  out(
    `${page.name}: ${ran.length} commands run, ${page.notRun.length} blocks not run, ${problems.length} problems`,
  )
  for (const problem of problems) out(problem.split('\n'))
  if (problems.length > 0) process.exitCode = 1
}

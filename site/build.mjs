// Builds the site, completes it with the project's files that it links to, such as the schemas, and checks it: it was built
// without a warning, every link leads to something, to its heading too, and no page loads anything from elsewhere.
import {spawnSync} from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
const site = path.join(root, 'dist-site')
const base = process.env.SITE_BASE ?? '/'
const {status, stdout} = spawnSync('npx vitepress build . 2>&1', {
  ...{cwd: import.meta.dirname, shell: true, encoding: 'utf8'},
  env: {...process.env, NO_COLOR: '1'},
})
console.log(stdout)
if (status !== 0) process.exit(1)
const problems = stdout.split('\n').filter((line) => /\(!\)|warn|not loaded/i.test(line))
const pages = fs
  .readdirSync(site, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.html'))
const ids = new Map(
  pages.map((name) => [
    name,
    new Set([...read(name).matchAll(/\bid="([^"]*)"/g)].map(([, id]) => decode(id))),
  ]),
)

for (const page of pages) {
  for (const [tag, name, attributes] of read(page).matchAll(/<(\w+)\b([^>]*)>/g)) {
    const {href, src, rel = ''} = attributesOf(attributes)
    const target = href ?? src
    if (target === undefined) continue
    const isLoaded = name !== 'a' && !/\bcanonical\b/.test(rel)
    if (/^[a-z][a-z0-9+.-]*:|^\/\//i.test(target)) {
      if (isLoaded && !target.startsWith('data:')) problems.push(`${page} loads ${target}: ${tag}`)
    } else {
      const wrong = await follow(page, target)
      if (wrong !== undefined) problems.push(`${page}: ${target}: ${wrong}`)
    }
  }
}
for (const css of fs
  .readdirSync(site, {recursive: true, encoding: 'utf8'})
  .filter((name) => name.endsWith('.css')))
  for (const [, url] of read(css).matchAll(/url\(["']?(https?:|\/\/)[^)]*\)/g))
    problems.push(`${css} loads ${url}`)

console.log(`${pages.length} pages, ${problems.length} problems`)
if (problems.length > 0) {
  console.error([...new Set(problems)].join('\n'))
  process.exitCode = 1
}

/** What is wrong with a link; undefined if it leads to something. */
async function follow(page, target) {
  const url = new URL(target, `http://site${base}${page.replaceAll(path.sep, '/')}`)
  const name = decodeURIComponent(url.pathname)
  if (!name.startsWith(base)) return 'outside the site'
  let file = name.slice(base.length)
  if (file === '' || file.endsWith('/')) file += 'index.html'
  if (!fs.existsSync(path.join(site, file)) && fs.existsSync(path.join(site, `${file}.html`))) file += '.html'
  if (!fs.existsSync(path.join(site, file))) {
    // The site has the project's paths.
    if (file.endsWith('.md') || !fs.existsSync(path.join(root, file))) return 'there is no such page'
    fs.mkdirSync(path.dirname(path.join(site, file)), {recursive: true})
    fs.copyFileSync(path.join(root, file), path.join(site, file))
  }
  const anchor = decodeURIComponent(url.hash.slice(1))
  return anchor === '' || !ids.has(file) || ids.get(file).has(anchor) ? undefined : `no heading ${anchor}`
}

function attributesOf(text) {
  return Object.fromEntries(
    [...text.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key, decode(value)]),
  )
}

function decode(text) {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&') // prettier-ignore
}

function read(name) {
  return fs.readFileSync(path.join(site, name), 'utf8')
}

import {execFileSync} from 'node:child_process'
import {readFileSync} from 'node:fs'
import {describe, expect, it} from 'vitest'

interface StartAgain {
  withoutSpies(
    given: Record<string, string>,
    readsOptions?: boolean,
    platform?: NodeJS.Platform,
  ): {env: Record<string, string>; aside: string[]}
}

const {withoutSpies} = (await import(new URL('../../bin/start-again.js', import.meta.url).href)) as StartAgain

/**
 * Every switch that a node may find in NODE_OPTIONS, and why it is set aside or left alone (docs/explanation/security.md). A switch
 * of a newer node that is in no list fails the test: somebody has to find out what it does.
 */
const ASIDE = {
  'prints or writes what node holds': `
    --abort-on-uncaught-exception --heapsnapshot-near-heap-limit --heapsnapshot-signal --report-compact --report-dir
    --report-directory --report-exclude-env --report-exclude-network --report-filename --report-on-fatalerror
    --report-on-signal --report-signal --report-uncaught-exception --tls-keylog --trace-tls`,
  'opens a debugger on a port that every user of the machine can reach':
    '--inspect --inspect-brk --inspect-wait',
  'weakens TLS, or lets two parsers read one request in two ways': `
    --tls-cipher-list --tls-min-v1.0 --tls-min-v1.1 --insecure-http-parser`,
}

const LEFT = {
  'places in the code and sizes, no values': `
    --cpu-prof --cpu-prof-dir --cpu-prof-interval --cpu-prof-name --heap-prof --heap-prof-dir --heap-prof-interval
    --heap-prof-name --diagnostic-dir --perf-basic-prof --perf-basic-prof-only-functions --perf-prof
    --perf-prof-unwinding-info --interpreted-frames-native-stack --prof-process --enable-etw-stack-walking
    --trace-event-categories --trace-event-file-pattern --trace-events-enabled --experimental-report`,
  'warnings and traces of calls: zt says warnings itself, without their text; names of variables, no values': `
    --deprecation --pending-deprecation --throw-deprecation --trace-deprecation --trace-warnings --warnings
    --disable-warning --redirect-warnings --trace-atomics-wait --trace-env --trace-env-js-stack --trace-env-native-stack
    --trace-exit --trace-promises --trace-require-module --experimental-print-required-tla --trace-sigint --trace-sync-io
    --trace-uncaught --stack-trace-limit --extra-info-on-fatal-exception --unhandled-rejections
    --force-node-api-uncaught-exceptions-policy --enable-source-maps`,
  'code that runs in zt: whoever sets it could run anything': `
    --require -r --import --loader --experimental-loader --snapshot-blob --conditions -C --preserve-symlinks
    --preserve-symlinks-main --global-search-paths --experimental-default-type --experimental-detect-module
    --experimental-require-module --require-module --experimental-package-map --experimental-vfs
    --experimental-specifier-resolution --es-module-specifier-resolution --input-type --entry-url --experimental-policy
    --policy-integrity --experimental-network-imports`,
  'nothing without a debugger': '--inspect-port --debug-port --inspect-publish-uid --disable-sigusr1',
  'which CAs are trusted, and OpenSSL as the machine has it: the person chooses': `
    --use-bundled-ca --use-openssl-ca --use-system-ca --openssl-config --openssl-legacy-provider --openssl-shared-config
    --enable-fips --force-fips --enable-fips-indicator-events --tls-min-v1.2 --tls-min-v1.3 --tls-max-v1.2 --tls-max-v1.3
    --secure-heap --secure-heap-min`,
  'how a host is reached; TLS is checked behind it': `
    --dns-result-order --enable-network-family-autoselection --network-family-autoselection
    --network-family-autoselection-attempt-timeout --use-env-proxy --http-parser --max-http-header-size`,
  'takes rights away': `
    --permission --permission-audit --experimental-permission --allow-addons --allow-child-process --allow-ffi
    --allow-fs-read --allow-fs-vfs --allow-fs-write --allow-inspector --allow-net --allow-openssl-store --allow-wasi
    --allow-worker --addons --disable-proto --disallow-code-generation-from-strings --frozen-intrinsics
    --force-context-aware --zero-fill-buffers --napi-modules`,
  'how V8 and node run, or a part of node that zt does not use': `
    --async-context-frame --experimental-async-context-frame --bench-isolation --bench-name-pattern --bench-reporter
    --bench-reporter-destination --bench-samples --bench-warmup --experimental-bench --debug-arraybuffer-allocations
    --node-memory-debug --disable-wasm-trap-handler --experimental-abortcontroller --experimental-addon-modules
    --experimental-dtls --experimental-eventsource --experimental-fetch --experimental-ffi
    --experimental-global-customevent --experimental-global-navigator --experimental-global-webcrypto
    --experimental-import-meta-resolve --experimental-import-text --experimental-json-modules --experimental-modules
    --experimental-quic --experimental-repl-await --experimental-shadow-realm --experimental-sqlite
    --experimental-stream-iter --experimental-strip-types --strip-types --experimental-test-isolation
    --experimental-top-level-await --experimental-transform-types --experimental-vm-modules
    --experimental-wasi-unstable-preview1 --experimental-wasm-modules --experimental-web-worker --experimental-websocket
    --experimental-webstorage --webstorage --localstorage-file --experimental-worker --expose-gc
    --force-async-hooks-checks --huge-max-old-generation-size --icu-data-dir --jitless --max-heap-size
    --max-old-space-size --max-old-space-size-percentage --max-semi-space-size --node-snapshot --title
    --track-heap-objects --use-largepages --v8-pool-size --verify-base-objects --worker-snapshot`,
  "of node's test runner and of --watch": `
    --test-coverage-branches --test-coverage-exclude --test-coverage-functions --test-coverage-include
    --test-coverage-include-all --test-coverage-lines --test-global-setup --test-isolation --test-name-pattern
    --test-only --test-random-seed --test-randomize --test-reporter --test-reporter-destination --test-rerun-failures
    --test-shard --test-skip-pattern --watch --watch-kill-signal --watch-path --watch-preserve-output`,
}

/** The variables that `node --help` names, and those of OpenSSL, libuv and ICU that node's manual names. */
const VARIABLES_ASIDE = ['NODE_DEBUG', 'NODE_DEBUG_NATIVE']
const VARIABLES_LEFT = [
  // What is said of the switches is said of these.
  ...[
    'NODE_OPTIONS',
    'NODE_V8_COVERAGE',
    'NODE_REDIRECT_WARNINGS',
    'NODE_NO_WARNINGS',
    'NODE_PENDING_DEPRECATION',
  ],
  ...[
    'NODE_EXTRA_CA_CERTS',
    'NODE_USE_SYSTEM_CA',
    'NODE_USE_ENV_PROXY',
    'NODE_ICU_DATA',
    'NODE_PRESERVE_SYMLINKS',
  ],
  // Refused by src/lib/config/settings.ts.
  'NODE_TLS_REJECT_UNAUTHORIZED',
  // Where code is looked for, as --require; compiled code of a directory that the person names.
  ...['NODE_PATH', 'NODE_COMPILE_CACHE', 'NODE_COMPILE_CACHE_PORTABLE', 'NODE_DISABLE_COMPILE_CACHE'],
  // Of the REPL and the test runner.
  ...['NODE_REPL_EXTERNAL_MODULE', 'NODE_REPL_HISTORY', 'NODE_TEST_CONTEXT', 'NODE_V'],
  ...['NODE_DISABLE_COLORS', 'FORCE_COLOR', 'NO_COLOR', 'TZ', 'NODE_SKIP_PLATFORM_CHECK'],
  ...['NODE_PENDING_PIPE_INSTANCES', 'UV_THREADPOOL_SIZE', 'UV_USE_IO_URING'],
  ...['OPENSSL_CONF', 'SSL_CERT_DIR', 'SSL_CERT_FILE'],
]

const words = (lists: Readonly<Record<string, string>>): string[] =>
  Object.values(lists).flatMap((list) => list.trim().split(/\s+/))
/** `--no-x` is what `--x` is not, and does no more than node does by itself. */
const plainName = (flag: string): string => flag.replace(/^--no-/, '--')
/** By which bin/zt.cjs finds out in no time whether these are to be looked at one by one. */
const noticed = new RegExp(
  /^const spies = \/(.+)\/$/m.exec(readFileSync(new URL('../../bin/zt.cjs', import.meta.url), 'utf8'))?.[1] ??
    '(?!)',
)
const asideOf = (options: string): string[] => withoutSpies({NODE_OPTIONS: options}).aside

describe(`the switches of node ${process.version}`, () => {
  const classified = new Set([...words(ASIDE), ...words(LEFT)])

  it('are all looked through', () => {
    const unknown = [...process.allowedNodeEnvironmentFlags].filter(
      (flag) => !classified.has(plainName(flag)),
    )
    expect(unknown).toEqual([])
  })

  it('are each in one list', () => {
    expect(words(ASIDE).length + words(LEFT).length).toBe(classified.size)
  })

  it.each(words(ASIDE))('%s is set aside, however it is written', (flag) => {
    const other = `--${flag.slice(2).replaceAll('-', '_')}`
    for (const given of [
      flag,
      other,
      `"${flag}"`,
      `--title=x ${flag}`,
      `"\\${flag}"`,
      `${flag}=x`,
      `--x="a b" ${other}=y`,
      `--"${flag.slice(2, 4)}"${flag.slice(4)}`,
      `${flag.slice(0, 5)}"${flag.slice(5)}"`,
    ]) {
      expect(asideOf(given), given).toEqual([flag])
      expect(noticed.test(given), given).toBe(true)
    }
    const {env} = withoutSpies({NODE_OPTIONS: `--title=a ${flag}=x "--title=b c"`})
    expect(env['NODE_OPTIONS']).toBe('--title=a "--title=b c"')
  })

  it.each(words(LEFT))('%s is left alone', (flag) => {
    expect(asideOf(`${flag}=x`)).toEqual([])
  })

  it.each([
    ['"--report-dir=/tmp/a b" --title=x', '--title=x'],
    ['--tls-cipher-list eNULL --title=x', '--title=x'],
    ['--title="\\"--inspect" --title=x', undefined],
    ['--title=" --inspect" x', undefined],
  ])('%s is taken apart as node does', (given, left) => {
    expect(withoutSpies({NODE_OPTIONS: given}).env['NODE_OPTIONS']).toBe(left ?? given)
  })

  it('are left to the person where node reads none of them, as in the executable', () => {
    expect(withoutSpies({NODE_OPTIONS: '--inspect', NODE_DEBUG: 'http'}, false)).toEqual({
      env: {NODE_OPTIONS: '--inspect'},
      aside: ['NODE_DEBUG'],
    })
  })
})

describe(`the variables of node ${process.version}`, () => {
  it('are all looked through', () => {
    const help = execFileSync(process.execPath, ['--help'], {
      encoding: 'utf8',
      env: {PATH: process.env['PATH']},
    })
    const named = help
      .slice(help.indexOf('Environment variables:'))
      .split('\n')
      .flatMap((line) => /^([A-Z][A-Z0-9_]+)\b/.exec(line)?.[1] ?? [])
    expect(named.length).toBeGreaterThan(5)
    const known = [...VARIABLES_ASIDE, ...VARIABLES_LEFT]
    expect(named.filter((name) => !known.includes(name))).toEqual([])
  })

  it.each(VARIABLES_ASIDE)('%s is set aside', (name) => {
    expect(withoutSpies({[name]: 'x'})).toEqual({env: {}, aside: [name]})
  })
})

describe('a file of CAs that node trusts', () => {
  it.each(['/etc/ssl/ca.pem', '\\etc\\ca.pem', 'C:ca.pem', 'c:..\\ca.pem', '/'])(
    'is left out on Windows if anyone may have put it there: %s',
    (NODE_EXTRA_CA_CERTS) => {
      const {env, aside} = withoutSpies({NODE_EXTRA_CA_CERTS, PATH: 'p'}, false, 'win32')
      expect([env, aside]).toEqual([{PATH: 'p'}, ['NODE_EXTRA_CA_CERTS']])
    },
  )

  it.each<[file: string, platform: NodeJS.Platform]>([
    ['C:\\ca.pem', 'win32'],
    ['C:/ca.pem', 'win32'],
    ['\\\\server\\share\\ca.pem', 'win32'],
    ['ca.pem', 'win32'],
    ['/etc/ssl/ca.pem', 'linux'],
    ['/etc/ssl/ca.pem', 'darwin'],
  ])('is kept: %s on %s', (file, platform) => {
    const given = {NODE_EXTRA_CA_CERTS: file}
    expect(withoutSpies(given, true, platform)).toEqual({env: given, aside: []})
  })
})

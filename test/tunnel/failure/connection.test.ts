import {expect, it} from 'vitest'
import {edgeFailed, isDistrusted} from '../../../src/lib/tunnel/failure/connection.js'

/** What node makes of OpenSSL's results of a verification (X509ErrorCode in its source), and of its own check of the name. */
const VERIFICATION = [
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
  'UNSPECIFIED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]
const edge = {host: 'gitlab-ssh.widgetcorp.tech', connectTo: undefined, caFile: undefined}

it.each(VERIFICATION)('%s says that the certificate is not trusted', (code) => {
  const error = Object.assign(new Error(), {code})
  expect(isDistrusted(error)).toBe(true)
  expect(edgeFailed(edge, 'tls', error)).toMatchObject({code: 'EDGE_NOT_TRUSTED'})
})

it.each([
  'ECONNRESET',
  'ETIMEDOUT',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED',
])('%s does not', (code) => {
  expect(isDistrusted(Object.assign(new Error(), {code}))).toBe(false)
})

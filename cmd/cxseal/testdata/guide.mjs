// What the published Node.js guide does with a tenant: a token, the table, its
// indexes, one PATCH, the KMS callback, and the figures of its audit log. Plain
// fetch, no packages. Prints the figures as JSON; anything unexpected throws.
//
//   node guide.mjs BASE CLIENT_ID CLIENT_SECRET REALM
import { createHash, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { once } from 'node:events';

const [base, clientId, clientSecret, realm] = process.argv.slice(2);
const wanted = ['ssn', 'credit_card', 'medical_record_number'];
const permissionHash = (p) =>
  createHash('sha256').update(`${p.tableId}:${p.keyVersion}:${p.columns.length}`).digest('hex');

async function call(what, url, options) {
  const answer = await fetch(url, options);
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${what} answered ${answer.status}: ${text}`);
  return JSON.parse(text);
}

// The KMS: whoever is at the callback URL.
const called = Promise.withResolvers?.() ?? (() => {
  const p = {};
  p.promise = new Promise((resolve, reject) => Object.assign(p, { resolve, reject }));
  return p;
})();
const kms = createServer(async (request, response) => {
  let body = '';
  for await (const chunk of request) body += chunk;
  const payload = JSON.parse(body);
  const verdict = {
    status: payload.complianceCheck?.algorithm === 'AES-256-GCM' ? 'VERIFIED' : 'REJECTED',
    permissionHash: permissionHash(payload),
    timestamp: new Date().toISOString(),
    auditTrail: { verifiedBy: 'EXTERNAL_KMS', gdprCompliant: true, decryptionPipelineReady: true },
  };
  response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(verdict));
  called.resolve({ payload, verdict });
});
kms.listen(0, '127.0.0.1');
await once(kms, 'listening');

const began = Date.now();
const token = await call('the token', `${base}/oauth/token`, {
  method: 'POST',
  headers: {
    Authorization: 'Basic ' + Buffer.from(`${clientId}:${clientSecret}`).toString('base64'),
    'Content-Type': 'application/x-www-form-urlencoded',
    realm,
  },
  body: new URLSearchParams({
    grant_type: 'client_credentials',
    scope: 'data_management:read data_management:write data_management:encrypt',
  }),
});
const headers = { Authorization: `Bearer ${token.access_token}`, 'Content-Type': 'application/json', Accept: 'application/json' };
const path = `${base}/api/v2/datastores/ds-customers/tables/tbl-contacts`;

const table = await call('the table', path, { headers });
const columns = table.columns.filter((c) => wanted.includes(c.name));
const encryptedBefore = table.columns.filter((c) => c.encrypted).length;
if (columns.length !== wanted.length) throw new Error('the table lacks a column');
if (encryptedBefore + columns.length > (table.metadata?.maxEncryptedFields ?? 12)) throw new Error('over the limit');

const indexes = await call('the indexes', `${path}/indexes`, { headers });
if (indexes.some((index) => index.columns.some((c) => wanted.includes(c)))) throw new Error('an index is in the way');

const answer = await call('the change', `${path}/columns`, {
  method: 'PATCH',
  headers: { ...headers, 'X-Idempotency-Key': randomUUID() },
  body: JSON.stringify({
    tableId: 'tbl-contacts',
    columnTargetMatrix: columns.map(({ name, type }) => ({
      name,
      type,
      encryptionConfiguration: {
        enabled: true,
        algorithm: 'AES-256-GCM',
        complianceMode: 'GDPR',
        keyRotationDirective: {
          strategy: 'AUTOMATIC',
          intervalDays: 90,
          nextRotationEpoch: Math.floor(Date.now() / 1000) + 90 * 86400,
        },
        indexMaskingTrigger: true,
        decryptionPermissionVerification: true,
      },
    })),
    externalKmsSync: {
      callbackUrl: `http://127.0.0.1:${kms.address().port}/kms`,
      syncMode: 'ASYNC',
      retryPolicy: { maxAttempts: 3, backoffMs: 2000 },
    },
  }),
});
const latencyMs = Date.now() - began;

const payload = answer.externalKmsPayload ?? (await called.promise).payload;
if (payload.tableId !== 'tbl-contacts' || payload.keyVersion !== 1) throw new Error('odd payload ' + JSON.stringify(payload));
const after = await call('the table', path, { headers });
const encrypted = after.columns.filter((c) => c.encrypted).length;
console.log(JSON.stringify({
  inline: Boolean(answer.externalKmsPayload),
  latencyMs,
  coverageRate: Number(((encrypted / after.columns.length) * 100).toFixed(2)),
  fieldsEncrypted: encrypted,
  totalFields: after.columns.length,
  permissionHash: permissionHash(payload),
}));
kms.closeAllConnections?.();
kms.close();

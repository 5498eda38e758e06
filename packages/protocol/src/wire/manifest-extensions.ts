/** URL of the extension that tells a file's size: bytes of the NDJSON without content coding. */
export const FILE_SIZE_EXTENSION = 'https://flatfhir.org/fhir/extension/file-size'

/** URL of the extension that tells a file's SHA-256 (hexadecimal, NDJSON without content coding). */
export const SHA256_EXTENSION = 'https://flatfhir.org/fhir/extension/sha256'

/** Under this URL the Data Provider of CMS's DPC tells `sha256:` and the digest in hexadecimal. */
export const DPC_CHECKSUM_EXTENSION = 'https://dpc.cms.gov/checksum'

/** Under this URL the Data Provider of CMS's DPC tells a file's size in bytes. */
export const DPC_FILE_LENGTH_EXTENSION = 'https://dpc.cms.gov/file_length'

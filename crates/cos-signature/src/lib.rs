//! Tencent COS q-sign request signatures: signing and verifying.

package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
)

// cookieSalt is how many random bytes make the key of one cookie.
const cookieSalt = 32

// SealCookie encrypts a text that a browser keeps for a while, for one purpose. Anybody can have the console seal
// such texts, as often as they like, so each has a key of its own (HKDF-SHA-256 of the primary key and a random
// salt, which comes first) and the key that seals the database's secrets is not worn by them: AES-GCM with random
// nonces is good for 2³² messages (NIST SP 800-38D §8.3). A new primary key makes older cookies worthless.
func (s *Sealer) SealCookie(text []byte, purpose string) ([]byte, error) {
	salt := make([]byte, cookieSalt)
	_, _ = rand.Read(salt) // never fails: it ends the program instead (crypto/rand)
	box, err := s.cookieCipher(salt, purpose)
	if err != nil {
		return nil, err
	}
	return box.Seal(salt, make([]byte, box.NonceSize()), text, nil), nil // #nosec G407 -- the key encrypts this text alone
}

// OpenCookie decrypts what SealCookie made for the same purpose with the present primary key.
func (s *Sealer) OpenCookie(sealed []byte, purpose string) ([]byte, error) {
	if len(sealed) < cookieSalt {
		return nil, errCannotOpen
	}
	box, err := s.cookieCipher(sealed[:cookieSalt], purpose)
	if err != nil {
		return nil, err
	}
	text, err := box.Open(nil, make([]byte, box.NonceSize()), sealed[cookieSalt:], nil)
	if err != nil {
		return nil, errCannotOpen
	}
	return text, nil
}

// cookieCipher returns the cipher of the cookie with the salt. Its key encrypts one text, so the nonce is zero.
func (s *Sealer) cookieCipher(salt []byte, purpose string) (cipher.AEAD, error) {
	s.mu.RLock()
	handle := s.handle
	s.mu.RUnlock()
	primary := handle.KeysetInfo().GetPrimaryKeyId()
	for _, k := range insecurecleartextkeyset.KeysetMaterial(handle).GetKey() {
		if k.GetKeyId() != primary {
			continue
		}
		key, err := hkdf.Key(sha256.New, k.GetKeyData().GetValue(), salt, "cxseal cookie: "+purpose, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCM(block)
	}
	return nil, fmt.Errorf("seal: the keyset has no primary key")
}

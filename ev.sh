localaws evaluate <<'END'
{"id":"own","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/${aws:PrincipalTag/wallet}/*"}]}]},"principal":{"type":"assumed-role","arn":"arn:aws:sts::123456789012:assumed-role/wallets/me","tags":{"wallet":"0xabc"}},"request":{"action":"s3:GetObject","resource":"arn:aws:s3:::shared/0xabc/memory"}}
{"id":"foreign","policies":{"identity":[{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::shared/${aws:PrincipalTag/wallet}/*"}]}]},"principal":{"type":"assumed-role","arn":"arn:aws:sts::123456789012:assumed-role/wallets/me","tags":{"wallet":"0xabc"}},"request":{"action":"s3:GetObject","resource":"arn:aws:s3:::shared/0xdef/memory"}}
END


import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import javax.security.auth.callback.Callback;
import javax.security.auth.login.AppConfigurationEntry;
import org.apache.kafka.common.errors.SaslAuthenticationException;
import org.apache.kafka.common.security.auth.AuthenticateCallbackHandler;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerExtensionsValidatorCallback;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerToken;
import org.apache.kafka.common.security.oauthbearer.OAuthBearerValidatorCallback;

/** Takes tokens of the form and the times that Amazon MSK takes, of any signature; of the key AKIDDENIED none. */
public final class MskTokens implements AuthenticateCallbackHandler {
    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmssX").withZone(ZoneOffset.UTC);

    @Override
    public void configure(Map<String, ?> configs, String mechanism, List<AppConfigurationEntry> entries) { }

    @Override
    public void close() { }

    @Override
    public void handle(Callback[] callbacks) {
        for (Callback each : callbacks) {
            if (each instanceof OAuthBearerValidatorCallback) {
                OAuthBearerValidatorCallback asked = (OAuthBearerValidatorCallback) each;
                asked.token(read(asked.tokenValue()));
            } else if (each instanceof OAuthBearerExtensionsValidatorCallback) {
                OAuthBearerExtensionsValidatorCallback asked = (OAuthBearerExtensionsValidatorCallback) each;
                asked.inputExtensions().map().keySet().forEach(asked::valid);
            }
        }
    }

    private static OAuthBearerToken read(String value) {
        String url = new String(Base64.getUrlDecoder().decode(value), StandardCharsets.UTF_8);
        String start = "https://kafka.eu-central-1.amazonaws.com/?Action=kafka-cluster%3AConnect&";
        if (!url.startsWith(start)) {
            throw new SaslAuthenticationException("[0]: Access denied");
        }
        Map<String, String> login = new HashMap<>();
        for (String pair : url.substring(url.indexOf('?') + 1).split("&")) {
            String[] parts = pair.split("=", 2);
            login.put(parts[0], parts[1]);
        }
        long begins = Instant.from(STAMP.parse(login.get("X-Amz-Date"))).toEpochMilli();
        long ends = begins + 1000L * Long.parseLong(login.get("X-Amz-Expires"));
        String key = login.get("X-Amz-Credential").split("%2F")[0];
        long now = System.currentTimeMillis();
        if (now < begins - 300_000 || now >= ends || key.equals("AKIDDENIED") || login.get("X-Amz-Signature").length() != 64) {
            throw new SaslAuthenticationException("[00000000-0000-0000-0000-000000000000]: Access denied");
        }
        return new OAuthBearerToken() {
            @Override public String value() { return value; }
            @Override public Set<String> scope() { return Set.of(); }
            @Override public long lifetimeMs() { return ends; }
            @Override public String principalName() { return key; }
            @Override public Long startTimeMs() { return begins; }
        };
    }
}

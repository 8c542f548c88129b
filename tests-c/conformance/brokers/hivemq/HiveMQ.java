import com.hivemq.embedded.EmbeddedExtension;
import com.hivemq.embedded.EmbeddedHiveMQ;
import com.hivemq.extension.sdk.api.ExtensionMain;
import com.hivemq.extension.sdk.api.auth.PublishAuthorizer;
import com.hivemq.extension.sdk.api.auth.SimpleAuthenticator;
import com.hivemq.extension.sdk.api.auth.SubscriptionAuthorizer;
import com.hivemq.extension.sdk.api.auth.parameter.PublishAuthorizerInput;
import com.hivemq.extension.sdk.api.auth.parameter.PublishAuthorizerOutput;
import com.hivemq.extension.sdk.api.auth.parameter.SimpleAuthInput;
import com.hivemq.extension.sdk.api.auth.parameter.SimpleAuthOutput;
import com.hivemq.extension.sdk.api.auth.parameter.SubscriptionAuthorizerInput;
import com.hivemq.extension.sdk.api.auth.parameter.SubscriptionAuthorizerOutput;
import com.hivemq.extension.sdk.api.packets.connect.ConnackReasonCode;
import com.hivemq.extension.sdk.api.packets.connect.ConnectPacket;
import com.hivemq.extension.sdk.api.packets.publish.AckReasonCode;
import com.hivemq.extension.sdk.api.packets.subscribe.SubackReasonCode;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStartOutput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopInput;
import com.hivemq.extension.sdk.api.parameter.ExtensionStopOutput;
import com.hivemq.extension.sdk.api.services.Services;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/**
 * A HiveMQ broker for the conformance test, as scripts/brokers describes it.
 *
 * <p>java -cp JARS HiveMQ.java DIR: DIR has config.xml, and directories for data and extensions.
 */
public final class HiveMQ {
    public static void main(String[] arguments) {
        Path directory = Path.of(arguments[0]);
        EmbeddedExtension users = EmbeddedExtension.builder()
                .withId("users").withName("users").withVersion("1")
                .withExtensionMain(new Users())
                .build();
        EmbeddedHiveMQ.builder()
                .withConfigurationFolder(directory)
                .withDataFolder(directory.resolve("data"))
                .withExtensionsFolder(directory.resolve("extensions"))
                .withEmbeddedExtension(users)
                .build()
                .start()
                .join();
    }

    private static final class Users implements ExtensionMain, SimpleAuthenticator, PublishAuthorizer, SubscriptionAuthorizer {
        @Override
        public void extensionStart(ExtensionStartInput input, ExtensionStartOutput output) {
            Services.securityRegistry().setAuthenticatorProvider(provider -> this);
            Services.securityRegistry().setAuthorizerProvider(provider -> this);
        }

        @Override
        public void extensionStop(ExtensionStopInput input, ExtensionStopOutput output) {}

        @Override
        public void onConnect(SimpleAuthInput input, SimpleAuthOutput output) {
            ConnectPacket connect = input.getConnectPacket();
            if (connect.getUserName().isEmpty() || isUser(connect)) {
                output.authenticateSuccessfully();
            } else {
                output.failAuthentication(ConnackReasonCode.BAD_USER_NAME_OR_PASSWORD);
            }
        }

        @Override
        public void authorizePublish(PublishAuthorizerInput input, PublishAuthorizerOutput output) {
            if (isDenied(input.getPublishPacket().getTopic())) {
                output.failAuthorization(AckReasonCode.NOT_AUTHORIZED);
            } else {
                output.authorizeSuccessfully();
            }
        }

        @Override
        public void authorizeSubscribe(SubscriptionAuthorizerInput input, SubscriptionAuthorizerOutput output) {
            if (isDenied(input.getSubscription().getTopicFilter())) {
                output.failAuthorization(SubackReasonCode.NOT_AUTHORIZED);
            } else {
                output.authorizeSuccessfully();
            }
        }

        private static boolean isDenied(String topic) {
            String[] levels = topic.split("/", -1);
            return levels.length > 1 && levels[1].equals("denied");
        }

        private static boolean isUser(ConnectPacket connect) {
            return connect.getUserName().get().equals("user")
                    && connect.getPassword().map(StandardCharsets.UTF_8::decode)
                            .filter(password -> password.toString().equals("right")).isPresent();
        }
    }
}
